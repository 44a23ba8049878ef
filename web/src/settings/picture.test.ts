import { expect, test } from 'vitest'
import { squareWithin } from './picture'

test('a rectangle between pixels becomes the nearest square of whole ones', () => {
  expect(squareWithin({ x: 10.4, y: 20.6, width: 99.6, height: 99.6 }, 400, 300)).toEqual({
    x: 10,
    y: 21,
    width: 100,
    height: 100,
  })
})

test('what the cropper gives a little over the edge is inside the picture', () => {
  expect(squareWithin({ x: -0.6, y: 200.7, width: 100, height: 100 }, 400, 300)).toEqual({
    x: 0,
    y: 200,
    width: 100,
    height: 100,
  })
})

test('it is square even when the rectangle is not, and never larger than the picture', () => {
  expect(squareWithin({ x: 0, y: 0, width: 500, height: 300.4 }, 400, 300)).toMatchObject({ width: 300, height: 300 })
})

test('of a picture that is one pixel high there is one pixel', () => {
  expect(squareWithin({ x: 120.2, y: 0, width: 0.3, height: 0.3 }, 400, 1)).toEqual({
    x: 120,
    y: 0,
    width: 1,
    height: 1,
  })
})
