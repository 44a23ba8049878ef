/** Comes with its own folder's work. */
export function SettingsPage() {
  return <div className="page" />
}
