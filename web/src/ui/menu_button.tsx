/** A button that opens a menu. The menu itself, which most visits never open, is loaded when somebody is about to. */
import type { LucideIcon } from 'lucide-react'
import { lazy, Suspense, useRef, useState, type ReactNode } from 'react'
import { Button } from 'react-aria-components'

export interface MenuAct {
  icon: LucideIcon
  words: string
  /** The letter that does the same. */
  shortcut?: string
  act: () => void
}

interface Properties {
  /** Of button and menu, for who does not see them. */
  label: string
  acts: MenuAct[]
  className: string
  excludeFromTabOrder?: boolean
  children: ReactNode
}

const load = () => import('./open_menu')
const OpenMenu = lazy(load)

export function MenuButton({ label, acts, className, excludeFromTabOrder, children }: Properties) {
  const button = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button
        ref={button}
        className={className}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        excludeFromTabOrder={excludeFromTabOrder}
        onHoverStart={() => void load()}
        onFocus={() => void load()}
        onPress={() => setOpen(true)}
      >
        {children}
      </Button>
      {isOpen && (
        <Suspense>
          <OpenMenu label={label} acts={acts} button={button} close={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
