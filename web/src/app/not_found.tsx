import { Link } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { useWords } from '../words/words'
import { Alone } from './alone'

export function NotFound() {
  const words = useWords().shell
  return (
    <Alone icon={Compass} title={words.notFoundTitle}>
      <p>{words.notFound}</p>
      <Link to="/" className="button main">
        {words.home}
      </Link>
    </Alone>
  )
}
