/**
 * The newest version of each expectation that this page has heard of, so that whichever is later, an event or the answer
 * of a request, an older state is never shown as new.
 */
interface Known {
  version: number
  /** Done or deleted: nobody's focus any more. */
  gone: boolean
}

export class Versions {
  #userId = ''
  readonly #known = new Map<string, Known>()

  /** Take a version in; false when the page knows this one or a newer one. A deletion comes with the last version. */
  learn(id: string, version: number, gone: boolean, deleted = false): boolean {
    const known = this.#known.get(id)
    if (known !== undefined && (deleted ? known.version > version : known.version >= version)) return false
    this.#known.set(id, { version: deleted ? Number.POSITIVE_INFINITY : version, gone })
    return true
  }

  /** Of a list that a request brought: what is still so, given what has been heard meanwhile. */
  current<Item extends { id: string; version: number }>(
    items: Item[],
    newer: (id: string) => Item | undefined,
  ): Item[] {
    return items.flatMap((item) => {
      const known = this.#known.get(item.id)
      if (known === undefined || known.version <= item.version) {
        this.#known.set(item.id, { version: item.version, gone: false })
        return [item]
      }
      const replacement = known.gone ? undefined : newer(item.id)
      return replacement === undefined ? [] : [replacement]
    })
  }

  /** Begin anew for another member. */
  of(userId: string): void {
    if (userId !== this.#userId) this.#known.clear()
    this.#userId = userId
  }
}

export const versions = new Versions()
