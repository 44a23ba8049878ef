export const session = {
  signIn: 'Sign in',
  signOut: 'Sign out',
  standIn: 'Who are you today?',
  standInAway: 'The sign-in service does not answer. It is tried again.',
  admin: 'Admin',
  secondMember: 'Open a second member in a new window',
  ended: 'Your session has ended. Sign in to go on where you were.',
  removedTitle: 'You are no longer in this team',
  removed: 'An admin has removed you, or the team is gone. What you wrote is safe with the team.',
  otherAccount: 'Sign in with another account',
}
