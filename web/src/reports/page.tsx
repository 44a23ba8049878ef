/** Comes with its own folder's work. */
export function ReportsPage() {
  return <div className="page" />
}
