/** Comes with its own folder's work. */
export function HistoryPage() {
  return <div className="page" />
}
