import { Skeleton } from '../ui/states'

/** The shape of the cards that come. */
export function LoadingCards() {
  return (
    <div className="cards" aria-hidden>
      {Array.from({ length: 8 }, (_, index) => (
        <div key={index} className="card">
          <Skeleton width={32} height={32} />
          <span className="who">
            <Skeleton width="55%" height={18} />
          </span>
          <span className="about">
            <span className="what">
              <Skeleton width="90%" height={14} />
            </span>
            <Skeleton width="40%" height={14} />
          </span>
        </div>
      ))}
    </div>
  )
}
