import { getRouteApi } from '@tanstack/react-router'
import { Search, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button, Input, SearchField, ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import type { TeamState } from '../app/router'
import { useShortcuts } from '../ui/shortcuts'
import { useWords } from '../words/words'

const page = getRouteApi('/shell/')

/** What is searched for. The address has it, too, a moment later: typing waits for nothing. */
export function useFind(): [string, (find: string) => void] {
  const inAddress = page.useSearch().find ?? ''
  const navigate = page.useNavigate()
  const [typed, setTyped] = useState(inAddress)
  const [written, setWritten] = useState(inAddress)
  if (inAddress !== written) {
    setWritten(inAddress)
    // Back, forward or "show everybody": not the echo of an earlier letter.
    if (inAddress === '' || !typed.startsWith(inAddress)) setTyped(inAddress)
  }
  const find = (text: string) => {
    setTyped(text)
    void navigate({
      search: (search) => ({ ...search, find: text === '' ? undefined : text }),
      replace: true,
      resetScroll: false,
    })
  }
  return [typed, find]
}

interface Properties {
  find: string
  setFind: (find: string) => void
  searchable: boolean
}

/** Filter and search. `/` goes to the search, Esc empties it and gives the focus back. */
export function Controls({ find, setFind, searchable }: Properties) {
  const words = useWords().team
  const { show = 'all' } = page.useSearch()
  const navigate = page.useNavigate()
  const input = useRef<HTMLInputElement>(null)
  const before = useRef<Element | null>(null)
  useShortcuts({
    '/': () => {
      before.current = document.activeElement
      input.current?.focus()
    },
  })
  const choose = (state: TeamState) =>
    void navigate({
      search: (search) => ({ ...search, show: state === 'all' ? undefined : state }),
      replace: true,
      resetScroll: false,
    })
  const giveBack = () => {
    if (before.current instanceof HTMLElement && before.current !== document.body) before.current.focus()
    else input.current?.blur()
  }
  return (
    <div className="controls no-print">
      <ToggleButtonGroup
        className="segments"
        aria-label={words.show}
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[show]}
        onSelectionChange={(keys) => choose([...keys][0] as TeamState)}
      >
        <ToggleButton id="all">{words.all}</ToggleButton>
        <ToggleButton id="late">{words.onlyLate}</ToggleButton>
        <ToggleButton id="free">{words.free}</ToggleButton>
      </ToggleButtonGroup>
      {searchable && (
        <SearchField className="search" aria-label={words.search} value={find} onChange={setFind} onClear={giveBack}>
          <Search className="icon" aria-hidden />
          <Input
            ref={input}
            placeholder={words.search}
            onKeyDown={(event) => {
              if (event.key === 'Escape' && find === '') giveBack()
            }}
          />
          <Button aria-label={words.clear}>
            <X className="icon" aria-hidden />
          </Button>
        </SearchField>
      )}
    </div>
  )
}
