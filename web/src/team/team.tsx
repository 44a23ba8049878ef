import { getRouteApi } from '@tanstack/react-router'
import { Sparkles, UserPlus, Users } from 'lucide-react'
import { lazy, Suspense, useDeferredValue, useMemo } from 'react'
import { Button } from 'react-aria-components'
import { useMe } from '../api/queries'
import { useNow } from '../live/clock'
import { useSession } from '../session/session'
import { useMedia } from '../ui/media'
import { Empty, Failed } from '../ui/states'
import { useWords } from '../words/words'
import { useBoard } from './board'
import { Cards } from './cards'
import { Controls, useFind } from './controls'
import { JustNow } from './just_now'
import { LoadingCards } from './loading_cards'
import { countsOf, shown, type Card } from './roster'
import { Spoken } from './spoken'
import './team.css'

const ManyCards = lazy(async () => ({ default: (await import('./many_cards')).ManyCards }))

const SEARCHED_FROM = 8
/** More than these are rows, of which only those in sight are in the page. */
const MOST_CARDS = 60
const PHONE = '(max-width: 560px)'
const page = getRouteApi('/shell/')

/** What everybody is on: the board of the dashboard. */
export function Team() {
  const { cards, recent, error, retry } = useBoard()
  const me = useSession().userId
  const words = useWords().team
  return (
    <section className="team" aria-labelledby="team-title">
      {cards !== null ? (
        <Board cards={cards} me={me} quiet={recent.length === 0} />
      ) : (
        <>
          <h2 id="team-title">{words.title}</h2>
          {error === null ? <LoadingCards /> : <Failed error={error} retry={retry} />}
        </>
      )}
      <JustNow recent={recent} me={me} />
      <Spoken me={me} />
    </section>
  )
}

/** `quiet`: nothing was ever finished. */
function Board({ cards, me, quiet }: { cards: Card[]; me: string; quiet: boolean }) {
  const words = useWords().team
  const now = useNow()
  const { show = 'all' } = page.useSearch()
  const [find, setFind] = useFind()
  const searched = useDeferredValue(find)
  const compact = useMedia(PHONE)
  const manages = useMe().data?.role === 'admin'
  const counts = useMemo(() => countsOf(cards, now), [cards, now])
  const visible = useMemo(() => shown(cards, show, searched, now), [cards, show, searched, now])
  const many = visible.length > MOST_CARDS
  const List = many ? ManyCards : Cards
  return (
    <>
      <header className={cards.length > MOST_CARDS ? 'search-first' : undefined}>
        <h2 id="team-title">{words.title}</h2>
        <p className="counts quiet">
          <span>{words.people(counts.people)}</span>
          <span>{words.focused(counts.focused)}</span>
          <span className={counts.late > 0 ? 'is-late' : undefined}>{words.late(counts.late)}</span>
          <span>{words.hereCount(counts.here)}</span>
        </p>
        <Controls find={find} setFind={setFind} searchable={cards.length >= SEARCHED_FROM} />
      </header>
      {counts.people <= 1 ? (
        <Empty icon={UserPlus} title={words.aloneTitle}>
          <p className="quiet">{words.alone}</p>
        </Empty>
      ) : visible.length === 0 ? (
        <NoResults />
      ) : (
        <>
          {quiet && counts.focused === 0 && (
            <Empty icon={Sparkles} title={words.firstTitle}>
              <p className="quiet">{words.first}</p>
            </Empty>
          )}
          <Suspense fallback={<LoadingCards />}>
            <List
              cards={visible}
              view={`${show} ${searched} ${List === Cards ? 'cards' : 'rows'}`}
              compact={compact}
              me={me}
              manages={manages}
            />
          </Suspense>
        </>
      )}
    </>
  )
}

function NoResults() {
  const words = useWords().team
  const { show = 'all', find } = page.useSearch()
  const navigate = page.useNavigate()
  const title = find ? words.noMatch(find) : show === 'late' ? words.nobodyLate : words.nobodyFree
  return (
    <Empty icon={Users} title={title}>
      <Button className="button" onPress={() => void navigate({ search: {}, replace: true })}>
        {words.showAll}
      </Button>
    </Empty>
  )
}
