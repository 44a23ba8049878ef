/** Notifications by the browser: whether it may, and that one window alone shows each, when nobody looks at any. */
import { useSyncExternalStore } from 'react'

export type Permission = 'unsupported' | NotificationPermission

/** Windows of one browser hear of the same thing within this time. */
const HELD_MS = 10_000
const watchedBy = (userId: string) => `looked at by ${userId}`

export function permission(): Permission {
  // Both are missing where the page came over plain http, and on some phones.
  if (!('Notification' in window) || !('locks' in navigator)) return 'unsupported'
  return Notification.permission
}

/** Have the browser ask the person; browsers allow that on a click only. */
export async function askForPermission(): Promise<Permission> {
  return permission() === 'default' ? Notification.requestPermission() : permission()
}

export function usePermission(): Permission {
  return useSyncExternalStore(onPermissionChange, permission)
}

function onPermissionChange(changed: () => void): () => void {
  let status: PermissionStatus | undefined
  void navigator.permissions?.query({ name: 'notifications' }).then(
    (found) => {
      status = found
      found.addEventListener('change', changed)
    },
    () => undefined, // not every browser tells of this one
  )
  return () => status?.removeEventListener('change', changed)
}

/** Say to the other windows that this one is looked at, while it is; until the returned function is called. */
export function tellWhileVisible(userId: string): () => void {
  if (!('locks' in navigator)) return () => undefined
  let release: () => void = () => undefined
  const look = () => {
    release()
    release = () => undefined
    if (document.visibilityState !== 'visible') return
    const hidden = new Promise<void>((resolve) => (release = resolve))
    void navigator.locks.request(watchedBy(userId), { mode: 'shared' }, () => hidden)
  }
  look()
  document.addEventListener('visibilitychange', look)
  return () => {
    document.removeEventListener('visibilitychange', look)
    release()
  }
}

/** Show what has this id, unless another window is looked at or shows it. Resolves to whether it was shown here. */
export async function showOnce(userId: string, id: string, show: () => void): Promise<boolean> {
  const { held = [] } = await navigator.locks.query()
  if (held.some(({ name }) => name === watchedBy(userId))) return false
  return new Promise((decided, failed) => {
    const shown = navigator.locks.request(`notification ${id}`, { ifAvailable: true }, async (lock) => {
      if (lock !== null) show()
      decided(lock !== null)
      if (lock !== null) await new Promise((resolve) => setTimeout(resolve, HELD_MS))
    })
    shown.catch(failed)
  })
}
