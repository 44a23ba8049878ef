/** What was just done and can be undone, and what did not work: for eight seconds, which stop while it is looked at. */
import { X } from 'lucide-react'
import {
  Button,
  Text,
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components'
import { useWords } from '../words/words'
import './toasts.css'

const SHOWN_MS = 8000

export interface Toast {
  text: string
  /** Its words, and what it does; the toast closes. */
  actions?: { words: string; act: () => void }[]
  problem?: boolean
}

const queue = new ToastQueue<Toast>({ maxVisibleToasts: 3 })
let undo: { key: string; act: () => void } | null = null

/** Show a toast; returns what closes it. */
export function toast(content: Toast): () => void {
  const key = queue.add(content, { timeout: SHOWN_MS })
  return () => queue.close(key)
}

/** Show a toast whose act can be taken back, by its button or by `U`, while it is shown; returns what closes it. */
export function toastWithUndo(text: string, words: string, act: () => void): () => void {
  const key = queue.add(
    { text, actions: [{ words, act }] },
    { timeout: SHOWN_MS, onClose: () => (undo = undo?.key === key ? null : undo) },
  )
  undo = { key, act }
  return () => queue.close(key)
}

/** Take the newest act back that still can be. */
export function undoNewest(): void {
  if (undo === null) return
  const { key, act } = undo
  queue.close(key)
  act()
}

export function Toasts() {
  const words = useWords().shell
  return (
    <ToastRegion queue={queue} className="toasts">
      {({ toast: shown }) => (
        <AriaToast toast={shown} className={shown.content.problem ? 'toast problem' : 'toast'}>
          <ToastContent>
            <Text slot="title">{shown.content.text}</Text>
          </ToastContent>
          {shown.content.actions?.map(({ words: label, act }) => (
            <Button
              key={label}
              className="button"
              onPress={() => {
                queue.close(shown.key)
                act()
              }}
            >
              {label}
            </Button>
          ))}
          <Button slot="close" className="button plain" aria-label={words.close}>
            <X className="icon" aria-hidden />
          </Button>
        </AriaToast>
      )}
    </ToastRegion>
  )
}
