import { Check, Ellipsis, Trash2 } from 'lucide-react'
import type { Expectation } from '../api/types'
import { useActs } from '../focus/acts'
import { MenuButton } from '../ui/menu_button'
import { useWords } from '../words/words'

interface Properties {
  focus: Expectation
  name: string
  tabbable: boolean
}

/** What an admin does for somebody else. */
export function CardMenu({ focus, name, tabbable }: Properties) {
  const words = useWords().team
  const acts = useActs()
  return (
    <MenuButton
      label={words.menuOf(name)}
      className="card-menu no-print"
      excludeFromTabOrder={!tabbable}
      acts={[
        { icon: Check, words: words.completeFor(name), act: () => acts.complete(focus) },
        { icon: Trash2, words: words.deleteFor(name), act: () => acts.withdraw(focus) },
      ]}
    >
      <Ellipsis className="icon" aria-hidden />
    </MenuButton>
  )
}
