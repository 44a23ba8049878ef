import { useMe } from '../api/queries'
import { Failed, Skeleton } from '../ui/states'
import { useWords } from '../words/words'
import { Exports } from './exports_section'
import { Picture } from './picture_row'
import { Reminders } from './reminders'
import { Row, Section } from './row'
import { ThisBrowser } from './this_browser'
import { TimeZoneRow } from './time_zone_row'
import './settings.css'

/** What a member chooses for themselves, and for this browser. Everything is saved as it is changed. */
export function SettingsPage() {
  const words = useWords().settings
  const me = useMe()
  return (
    <div className="page narrow settings">
      <h1>{words.title}</h1>
      {me.isPending ? (
        <Loading />
      ) : me.isError ? (
        <Failed error={me.error} retry={() => void me.refetch()} />
      ) : (
        <>
          <Section id="you" title={words.you}>
            <Picture me={me.data} />
            <Row title={words.name} hint={words.nameHint}>
              {() => <span className="typed">{me.data.name}</span>}
            </Row>
            <TimeZoneRow me={me.data} />
          </Section>
          <Reminders me={me.data} />
          <ThisBrowser />
          <Exports />
        </>
      )}
    </div>
  )
}

function Loading() {
  return (
    <div className="loading">
      {[220, 320, 260].map((height) => (
        <Skeleton key={height} height={height} />
      ))}
    </div>
  )
}
