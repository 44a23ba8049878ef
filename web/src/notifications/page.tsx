/** Comes with its own folder's work. */
export function NotificationsPage() {
  return <div className="page" />
}
