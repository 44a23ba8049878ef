import type { RefObject } from 'react'
import { Menu, MenuItem, Popover } from 'react-aria-components'
import type { MenuAct } from './menu_button'

interface Properties {
  label: string
  acts: MenuAct[]
  button: RefObject<HTMLButtonElement | null>
  close: () => void
}

export default function OpenMenu({ label, acts, button, close }: Properties) {
  return (
    <Popover className="popover" placement="bottom end" triggerRef={button} isOpen onOpenChange={close}>
      <Menu className="menu" aria-label={label} autoFocus="first" onClose={close}>
        {acts.map(({ icon: Icon, words, shortcut, act }) => (
          <MenuItem key={words} textValue={words} onAction={act}>
            <Icon className="icon" aria-hidden /> {words} {shortcut && <kbd aria-hidden>{shortcut}</kbd>}
          </MenuItem>
        ))}
      </Menu>
    </Popover>
  )
}
