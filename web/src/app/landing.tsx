import { Check } from 'lucide-react'
import { SignIn } from '../session/sign_in_page'
import { useWords } from '../words/words'

/** What this is for, and the way in. */
export function Landing() {
  const words = useWords().shell
  return (
    <main className="landing">
      <img src="/favicon.svg" alt="" />
      <h1>{words.landingTitle}</h1>
      <p>{words.landing}</p>
      <ul className="points">
        {words.landingPoints.map((point) => (
          <li key={point}>
            <Check className="icon" aria-hidden /> {point}
          </li>
        ))}
      </ul>
      <SignIn returnTo="/" />
    </main>
  )
}
