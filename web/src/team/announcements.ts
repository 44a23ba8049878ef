/** What a screen reader is told of others' changes: politely, and never more than can be listened to. */
import type { Words } from '../words/words'

/** One member's newest change, as a sentence. */
export interface Heard {
  userId: string
  name: string
  sentence: string
}

const SPOKEN = 3

/** One text for what was heard since the last: the sentences, or who they were about when there are many. */
export function summary(heard: readonly Heard[], words: Words['team']): string {
  const newest = [...new Map(heard.map((one) => [one.userId, one])).values()]
  if (newest.length <= SPOKEN) return newest.map(({ sentence }) => sentence).join(' ')
  const named = newest.slice(-SPOKEN).map(({ name }) => name)
  return words.manyChanges(named.join(', '), newest.length - SPOKEN)
}

/** Collects for a while and then speaks once, so that a busy team is one sentence every few seconds. */
export class Announcer {
  readonly #speak: (heard: Heard[]) => void
  readonly #everyMs: number
  #heard: Heard[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(speak: (heard: Heard[]) => void, everyMs: number) {
    this.#speak = speak
    this.#everyMs = everyMs
  }

  hear(heard: Heard): void {
    this.#heard.push(heard)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#speak(this.#heard.splice(0))
    }, this.#everyMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#heard = []
  }
}
