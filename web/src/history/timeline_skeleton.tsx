import { Skeleton } from '../ui/states'
import { useWords } from '../words/words'

const SHAPES = ['46%', '62%', '38%', '54%', '70%', '43%', '58%', '35%']

/** The shape of a day's work. */
export function TimelineSkeleton() {
  const words = useWords().shell
  return (
    <div className="timeline-skeleton" role="status" aria-label={words.loading}>
      <Skeleton width={140} height={20} />
      {SHAPES.map((width) => (
        <Skeleton key={width} width={width} height={22} />
      ))}
    </div>
  )
}
