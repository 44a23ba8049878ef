import { CalendarClock } from 'lucide-react'
import { lazy, Suspense, useRef, useState } from 'react'
import { Button } from 'react-aria-components'
import { Skeleton } from '../ui/states'
import { useWords } from '../words/words'

const Popup = lazy(() => import('../ui/popup'))
const TimePicker = lazy(() => import('./time_picker'))

/** A day in a calendar and a time, behind a button: loaded when it is wanted. */
export function ChooseTime({ at, choose }: { at: Date | null; choose: (at: Date) => void }) {
  const words = useWords().focus
  const button = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button
        ref={button}
        className="button plain icon-only"
        aria-label={words.choose}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        onPress={() => setOpen(true)}
      >
        <CalendarClock className="icon" aria-hidden />
      </Button>
      {isOpen && (
        <Suspense>
          <Popup
            label={words.choose}
            className="time-picker"
            placement="bottom end"
            button={button}
            close={() => setOpen(false)}
          >
            <Suspense fallback={<Skeleton width={252} height={340} />}>
              <TimePicker
                at={at}
                choose={(chosen) => {
                  choose(chosen)
                  setOpen(false)
                }}
              />
            </Suspense>
          </Popup>
        </Suspense>
      )}
    </>
  )
}
