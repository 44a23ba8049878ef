import { Link } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { Empty } from '../ui/states'
import { useWords } from '../words/words'

export function NotFound() {
  const words = useWords().shell
  return (
    <main className="page">
      <Empty icon={Compass} title={words.notFoundTitle}>
        <p>{words.notFound}</p>
        <Link to="/" className="button">
          {words.home}
        </Link>
      </Empty>
    </main>
  )
}
