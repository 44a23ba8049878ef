import { Check, Ellipsis, Trash2 } from 'lucide-react'
import { useRef, useState, type RefObject } from 'react'
import { Menu, MenuItem, Popover } from 'react-aria-components'
import type { Expectation } from '../api/types'
import { useActs } from '../focus/acts'
import { useWords } from '../words/words'

interface Properties {
  focus: Expectation
  name: string
  tabbable: boolean
}

/** What an admin does for somebody else. Until it is opened it is only a button, because every card has one. */
export function CardMenu({ focus, name, tabbable }: Properties) {
  const words = useWords().team
  const button = useRef<HTMLButtonElement>(null)
  const [open, setOpen] = useState(false)
  return (
    <>
      <button
        ref={button}
        type="button"
        className="card-menu no-print"
        aria-label={words.menuOf(name)}
        aria-haspopup="menu"
        aria-expanded={open}
        tabIndex={tabbable ? 0 : -1}
        onClick={() => setOpen(true)}
      >
        <Ellipsis className="icon" aria-hidden />
      </button>
      {open && <Opened focus={focus} name={name} button={button} close={() => setOpen(false)} />}
    </>
  )
}

interface OpenedProperties {
  focus: Expectation
  name: string
  button: RefObject<HTMLButtonElement | null>
  close: () => void
}

function Opened({ focus, name, button, close }: OpenedProperties) {
  const words = useWords().team
  const acts = useActs()
  return (
    <Popover className="popover" placement="bottom end" triggerRef={button} isOpen onOpenChange={close}>
      <Menu className="menu" aria-label={words.menuOf(name)} autoFocus="first" onClose={close}>
        <MenuItem onAction={() => acts.complete(focus)}>
          <Check className="icon" aria-hidden /> {words.completeFor(name)}
        </MenuItem>
        <MenuItem onAction={() => acts.withdraw(focus)}>
          <Trash2 className="icon" aria-hidden /> {words.deleteFor(name)}
        </MenuItem>
      </Menu>
    </Popover>
  )
}
