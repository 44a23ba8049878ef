import { Link } from '@tanstack/react-router'
import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { useWords } from '../words/words'
import './shell.css'

/** A page that stands for itself, without the bar: one thing to know, and the way on. */
export function Alone({ icon: Icon, title, children }: { icon?: LucideIcon; title: string; children: ReactNode }) {
  const words = useWords().shell
  return (
    <main className="alone">
      <Link to="/" className="mark">
        <img src="/favicon.svg" alt="" />
        {words.product}
      </Link>
      <section>
        {Icon && <Icon className="icon" aria-hidden />}
        <h1>{title}</h1>
        {children}
      </section>
    </main>
  )
}
