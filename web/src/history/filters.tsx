import { useNavigate } from '@tanstack/react-router'
import type { CalendarDate } from '@internationalized/date'
import { Check, ChevronDown } from 'lucide-react'
import { lazy, Suspense } from 'react'
import {
  Button,
  ComboBox,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  SwitchButton,
  SwitchField,
} from 'react-aria-components'
import { useMembers } from '../api/queries'
import { PERIODS, type Period } from '../app/router'
import { Avatar } from '../ui/avatar'
import { Skeleton } from '../ui/states'
import { useLanguage, useWords } from '../words/words'

const Range = lazy(() => import('./range'))

export interface Search {
  member?: string
  period?: Period
  from?: string
  to?: string
  archived?: boolean
}

/** Whose work, of which days, and whether archived, too: all of it in the address. */
export function Filters({ search, today }: { search: Search; today: CalendarDate }) {
  const words = useWords().history
  const navigate = useNavigate()
  const change = (next: Partial<Search>) =>
    void navigate({ to: '/history', search: { ...search, ...next }, resetScroll: true })
  return (
    <div className="filters no-print">
      <MemberFilter chosen={search.member} onChange={(member) => change({ member })} />
      <PeriodFilter search={search} today={today} onChange={change} />
      {(search.from ?? search.to) !== undefined && search.period === undefined && (
        <Suspense fallback={<Skeleton width={260} height={36} />}>
          <Range from={search.from} to={search.to} today={today} onChange={change} />
        </Suspense>
      )}
      <SwitchField
        isSelected={search.archived ?? false}
        onChange={(archived) => change({ archived: archived || undefined })}
      >
        <SwitchButton className="switch">
          <span className="track" aria-hidden />
          {words.withArchived}
        </SwitchButton>
      </SwitchField>
    </div>
  )
}

const EVERYBODY = 'everybody'

function MemberFilter({ chosen, onChange }: { chosen?: string; onChange: (member?: string) => void }) {
  const words = useWords().history
  const language = useLanguage()
  const members = useMembers().data ?? []
  const { compare } = new Intl.Collator(language)
  const sorted = members.toSorted((a, b) => compare(a.name, b.name))
  const choices = [{ id: EVERYBODY, name: words.everybody, avatar_url: null }, ...sorted]
  if (chosen !== undefined && !choices.some(({ id }) => id === chosen)) {
    choices.push({ id: chosen, name: words.formerMember, avatar_url: null })
  }
  return (
    <ComboBox
      className="field"
      // It keeps the text of the choice it began with: begin again when the members are known.
      key={members.length}
      defaultItems={choices}
      value={chosen ?? EVERYBODY}
      onChange={(key) => onChange(key === EVERYBODY || key === null ? undefined : String(key))}
      menuTrigger="focus"
      allowsEmptyCollection
    >
      <Label>{words.member}</Label>
      <div className="combo">
        <Input onClick={(event) => event.currentTarget.select()} />
        <Button aria-label={words.open}>
          <ChevronDown className="icon" aria-hidden />
        </Button>
      </div>
      <Popover className="popover choices">
        <ListBox<(typeof choices)[number]> renderEmptyState={() => <p className="quiet">{words.nobodyFound}</p>}>
          {({ id, name, avatar_url }) => (
            <ListBoxItem id={id} textValue={name}>
              {id !== EVERYBODY && <Avatar id={id} name={name} url={avatar_url} size={24} />}
              <span>{name}</span>
              <Check className="icon" aria-hidden />
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  )
}

function PeriodFilter({
  search,
  today,
  onChange,
}: {
  search: Search
  today: CalendarDate
  onChange: (next: Partial<Search>) => void
}) {
  const words = useWords().history
  const isRange = (search.from ?? search.to) !== undefined
  const choose = (key: unknown) => {
    const range = key === 'range' && { from: today.subtract({ days: 13 }).toString(), to: today.toString() }
    onChange({ from: undefined, to: undefined, period: PERIODS.find((period) => period === key), ...range })
  }
  return (
    <Select className="field" value={search.period ?? (isRange ? 'range' : 'any')} onChange={choose}>
      <Label>{words.period}</Label>
      <Button>
        <SelectValue />
        <ChevronDown className="icon" aria-hidden />
      </Button>
      <Popover className="popover choices">
        <ListBox>
          {(['any', ...PERIODS, 'range'] as const).map((each) => (
            <ListBoxItem key={each} id={each} textValue={words.periods[each]}>
              <span>{words.periods[each]}</span>
              <Check className="icon" aria-hidden />
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}
