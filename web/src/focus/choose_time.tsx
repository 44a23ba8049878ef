import { CalendarClock } from 'lucide-react'
import { lazy, Suspense } from 'react'
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components'
import { Skeleton } from '../ui/states'
import { useWords } from '../words/words'

const TimePicker = lazy(() => import('./time_picker'))

/** A day in a calendar and a time, behind a button: loaded when it is wanted. */
export function ChooseTime({ at, choose }: { at: Date | null; choose: (at: Date) => void }) {
  const words = useWords().focus
  return (
    <DialogTrigger>
      <Button className="button plain icon-only" aria-label={words.choose}>
        <CalendarClock className="icon" aria-hidden />
      </Button>
      <Popover className="popover" placement="bottom end">
        <Dialog className="time-picker" aria-label={words.choose}>
          {({ close }) => (
            <Suspense fallback={<Skeleton width={252} height={340} />}>
              <TimePicker
                at={at}
                choose={(chosen) => {
                  choose(chosen)
                  close()
                }}
              />
            </Suspense>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}
