import { useFocus, useMe } from '../api/queries'

/** What I am on, or the line to say it in. */
export function MyFocus() {
  const me = useMe().data
  const mine = useFocus().data?.items.find(({ user_id }) => user_id === me?.id)
  return <h1 className="typed">{mine?.title}</h1>
}
