import type { Words } from '../words'

export const admin: Words['admin'] = {
  title: 'Mitglieder',
  summary: (members, admins, here) =>
    `${members} ${members === 1 ? 'Person' : 'Personen'} · ${admins} ${admins === 1 ? 'Admin' : 'Admins'} · ${here} gerade da`,
  search: 'Nach Name, Fokus oder Zeitzone suchen',
  noneTitle: 'Niemand gefunden',
  none: (text) => `„${text}“ kommt in keinem Namen, Fokus und keiner Zeitzone vor.`,
  you: '(Sie)',
  here: 'Gerade da',
  away: 'Nicht da',
  nothingSet: 'Nichts gesetzt',
  joined: (date) => `Seit ${date}`,
  roles: 'Wer dazukommt, geht oder Admin wird, entscheidet ein Admin beim Anmeldedienst.',
  rolesForAdmins: 'Eingeladen, entfernt und zu Admins gemacht wird bei Clerk; hier erscheint es nach Sekunden.',
  openClerk: 'Clerk öffnen',
  acts: (name) => `Aktionen zum Fokus von ${name}`,
  complete: 'Als fertig markieren',
  withdraw: 'Löschen',
  completeTitle: (name) => `Fokus von ${name} als fertig markieren?`,
  completeNote: (name) => `Alle sehen es sofort. Eine Minute lang kann ${name} es zurücknehmen; Sie können es nicht.`,
  withdrawTitle: (name) => `Fokus von ${name} löschen?`,
  withdrawNote: (name) =>
    `Er kommt nicht in den Verlauf, und das lässt sich nicht zurücknehmen. ${name} kann einen neuen setzen.`,
  leave: 'Lassen',
  completed: (name) => `Der Fokus von ${name} ist fertig`,
  withdrawn: (name) => `Der Fokus von ${name} ist gelöscht`,
  notVerified: 'Nichts wurde geändert: Dafür braucht es Ihren zweiten Faktor.',
}
