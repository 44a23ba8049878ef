import { Check } from 'lucide-react'
import { SignIn } from '../session/sign_in_page'
import { useWords } from '../words/words'

/** What this is for, and the way in. `ended`: a member was here until a moment ago. */
export function Landing({ ended }: { ended: boolean }) {
  const words = useWords()
  const { shell, session } = words
  return (
    <main className="landing">
      <div className="pitch">
        <div className="mark">
          <img src="/favicon.svg" alt="" />
          {shell.product}
        </div>
        <h1>{shell.landingTitle}</h1>
        <p>{shell.landing}</p>
        <ul className="points">
          {shell.landingPoints.map((point) => (
            <li key={point}>
              <Check className="icon" aria-hidden /> {point}
            </li>
          ))}
        </ul>
      </div>
      <section className="enter" aria-label={session.signIn}>
        {ended && (
          <p role="status" className="quiet">
            {session.signedOut}
          </p>
        )}
        <SignIn returnTo="/" />
      </section>
    </main>
  )
}
