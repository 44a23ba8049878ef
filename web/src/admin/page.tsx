/** Comes with its own folder's work. */
export function MembersPage() {
  return <div className="page" />
}
