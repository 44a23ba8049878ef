import { expect, it } from 'vitest'
import { charactersLeft, titleOf } from './title'

it('counts as the server does: code points, without the blanks round them', () => {
  expect(charactersLeft(titleOf(`\n ${'🚀'.repeat(499)} \t`))).toBe(1)
  expect(charactersLeft('x'.repeat(501))).toBe(-1)
  expect(charactersLeft('short')).toBeNull()
})

it('keeps line breaks inside', () => {
  expect(titleOf(' one\ntwo \n')).toBe('one\ntwo')
})

it('is empty when there are blanks only', () => {
  expect(titleOf('\u00a0\u2003\u0085 \n')).toBe('')
})
