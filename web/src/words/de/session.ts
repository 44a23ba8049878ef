import type { Words } from '../words'

export const session: Words['session'] = {
  signIn: 'Anmelden',
  signOut: 'Abmelden',
  standIn: 'Wer sind Sie heute?',
  standInAway: 'Die Anmeldung antwortet nicht. Es wird weiter versucht.',
  admin: 'Admin',
  secondMember: 'Eine zweite Person in einem neuen Fenster öffnen',
  ended: 'Melden Sie sich an, dann geht es an derselben Stelle weiter.',
  endedTitle: 'Ihre Sitzung ist zu Ende',
  goOn: 'Melden Sie sich an, dann geht es dort weiter, wohin Sie wollten.',
  signedOut: 'Sie sind abgemeldet.',
  notAllowedTitle: 'Mit diesem Konto kommen Sie nicht hinein',
  chooseTeamTitle: 'Welches Team?',
  chooseTeam:
    'Sie sind angemeldet, aber noch in keinem Team. Wählen Sie eines, oder bitten Sie einen Admin um eine Einladung.',
  removedTitle: 'Sie sind nicht mehr in diesem Team',
  removed:
    'Ein Admin hat Sie entfernt, oder es gibt das Team nicht mehr. Was Sie geschrieben haben, bleibt dem Team erhalten.',
  otherAccount: 'Mit einem anderen Konto anmelden',
}
