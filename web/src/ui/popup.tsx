/** A small dialog at the button that opens it; a lazy part of the page, like the menus. */
import type { ReactNode, RefObject } from 'react'
import { Dialog, Popover } from 'react-aria-components'

interface Properties {
  label: string
  className?: string
  placement?: 'bottom start' | 'bottom end'
  button: RefObject<HTMLButtonElement | null>
  close: () => void
  children: ReactNode
}

export default function Popup({
  label,
  className = '',
  placement = 'bottom start',
  button,
  close,
  children,
}: Properties) {
  return (
    // The dialog has the name; the popover's own, the button's text, is content outside of every landmark.
    <Popover
      className="popover"
      placement={placement}
      aria-labelledby=""
      triggerRef={button}
      isOpen
      onOpenChange={close}
    >
      <Dialog className={className} aria-label={label}>
        {children}
      </Dialog>
    </Popover>
  )
}
