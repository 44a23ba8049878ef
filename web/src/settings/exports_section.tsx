import { CircleAlert, Download, FileJson, FileSpreadsheet } from 'lucide-react'
import { Button, ProgressBar } from 'react-aria-components'
import type { Export } from '../api/types'
import { useProblemWords } from '../ui/problems'
import { Failed, Skeleton } from '../ui/states'
import { useLanguage, useWords } from '../words/words'
import { isRunning, useAskForExport, useExports, useOpenExport, type Format } from './exports'
import { Section } from './row'

const FORMATS: readonly Format[] = ['csv', 'json']
const ICONS = { csv: FileSpreadsheet, json: FileJson }
const KEPT_MS = 7 * 86_400_000

/** The member's own history as a file, and the files of the last week. */
export function Exports() {
  const words = useWords().settings
  const exports = useExports()
  const ask = useAskForExport()
  const problem = useProblemWords()
  const running = ask.isPending || (exports.data?.some(isRunning) ?? false)
  return (
    <Section id="exports" title={words.exports} intro={words.exportsIntro}>
      <div className="row">
        <div className="name">{words.exportAsk}</div>
        <div className="control">
          {FORMATS.map((format) => (
            <Button key={format} className="button" isDisabled={running} onPress={() => ask.mutate(format)}>
              {words.formats[format]}
            </Button>
          ))}
        </div>
        {ask.isError && (
          <p className="error" role="alert">
            {problem(ask.error)}
          </p>
        )}
      </div>
      {exports.isPending ? (
        <div className="row">
          <Skeleton height={40} />
        </div>
      ) : exports.isError ? (
        <Failed error={exports.error} retry={() => void exports.refetch()} />
      ) : exports.data.length === 0 ? (
        <p className="row quiet">{words.exportsNone}</p>
      ) : (
        <ul>
          {exports.data.map((one) => (
            <Made key={one.id} one={one} again={() => ask.mutate(one.format)} />
          ))}
        </ul>
      )}
    </Section>
  )
}

function Made({ one, again }: { one: Export; again: () => void }) {
  const words = useWords().settings
  const language = useLanguage()
  const open = useOpenExport()
  const Icon = one.status === 'failed' ? CircleAlert : ICONS[one.format]
  const at = (time: string | number) =>
    new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time))
  const name = `${words.formats[one.format]}, ${at(one.created_at)}`
  return (
    <li className="row export" data-status={one.status}>
      <Icon className="icon" aria-hidden />
      <div>
        <div className="name">{name}</div>
        <div className="quiet hint">
          {one.status === 'ready'
            ? words.exportUntil(at(Date.parse(one.finished_at ?? one.created_at) + KEPT_MS))
            : words.exportStatus[one.status]}
        </div>
      </div>
      <div className="control">
        {isRunning(one) ? (
          <ProgressBar aria-label={name} value={one.progress}>
            {({ percentage = 0, valueText }) => (
              <>
                <span className="time">{valueText}</span>
                <span className="progress">
                  <span style={{ inlineSize: `${percentage}%` }} />
                </span>
              </>
            )}
          </ProgressBar>
        ) : one.status === 'ready' ? (
          <Button className="button" aria-label={`${words.download}: ${name}`} onPress={() => void open(one.id)}>
            <Download className="icon" aria-hidden /> {words.download}
          </Button>
        ) : (
          <Button className="button" aria-label={`${words.again}: ${name}`} onPress={again}>
            {words.again}
          </Button>
        )}
      </div>
    </li>
  )
}
