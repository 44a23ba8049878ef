import { describe, expect, test } from 'vitest'
import { Versions } from './versions'

const item = (id: string, version: number) => ({ id, version })
const nothing = () => undefined

describe('learn', () => {
  test('takes each version once, and no older one', () => {
    const versions = new Versions()
    expect([2, 2, 1, 3].map((version) => versions.learn('a', version, false))).toEqual([true, false, false, true])
  })

  test('takes a deletion, which has the last version, and nothing after it', () => {
    const versions = new Versions()
    versions.learn('a', 2, false)
    expect(versions.learn('a', 2, true, true)).toBe(true)
    expect(versions.learn('a', 3, false)).toBe(false)
  })
})

describe('current', () => {
  test('leaves what an event has told newer of as it is shown', () => {
    const versions = new Versions()
    versions.learn('a', 3, false)
    expect(versions.current([item('a', 2)], () => item('a', 3))).toEqual([item('a', 3)])
  })

  test('does not bring back what is done or deleted', () => {
    const versions = new Versions()
    versions.learn('done', 2, true)
    versions.learn('deleted', 1, true, true)
    expect(versions.current([item('done', 1), item('deleted', 1), item('b', 1)], nothing)).toEqual([item('b', 1)])
  })

  test('is learned from: the event of a state that the list had is no news', () => {
    const versions = new Versions()
    versions.current([item('a', 4)], nothing)
    expect(versions.learn('a', 4, false)).toBe(false)
    expect(versions.learn('a', 5, true)).toBe(true)
  })
})

test('another member begins anew, the same one does not', () => {
  const versions = new Versions()
  versions.of('one')
  versions.learn('a', 5, false)
  versions.of('one')
  expect(versions.learn('a', 5, false)).toBe(false)
  versions.of('two')
  expect(versions.learn('a', 1, false)).toBe(true)
})
