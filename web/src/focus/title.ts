/** What a title may be, as the server counts: code points, without the blanks round it. */
export const MAX_TITLE = 500
/** From here on it is said how many are left. */
const NEARLY = 60

const BLANKS_ROUND = /^\p{White_Space}+|\p{White_Space}+$/gu

export function titleOf(text: string): string {
  return text.replaceAll('\0', '').replace(BLANKS_ROUND, '')
}

/** Characters that are left; null while that is of no interest. */
export function charactersLeft(title: string): number | null {
  const left = MAX_TITLE - Array.from(title).length
  return left <= NEARLY ? left : null
}
