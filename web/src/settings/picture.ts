/** A chosen picture, made small enough to be handled and cut to what is shown of it. */

/** Edge of what the cropper shows: a phone's 48 megapixels take 190 MB, these 12 at most. */
const MAX_PREVIEW_EDGE = 1600
/** Twice the largest square that the api makes of it. */
const MAX_SENT_EDGE = 1024
const QUALITY = 0.9

export interface Rectangle {
  x: number
  y: number
  width: number
  height: number
}

/** The browser cannot open the file as a picture. */
export class NoPicture extends Error {
  override name = 'NoPicture'
}

/** The picture upright and no larger than needed. Raises NoPicture. */
export async function opened(file: Blob): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new NoPicture()
  })
  try {
    const scale = Math.min(1, MAX_PREVIEW_EDGE / Math.max(bitmap.width, bitmap.height))
    const [width, height] = [atLeastOne(bitmap.width * scale), atLeastOne(bitmap.height * scale)]
    return drawn(bitmap, { x: 0, y: 0, width: bitmap.width, height: bitmap.height }, width, height)
  } finally {
    bitmap.close()
  }
}

/** What is inside the rectangle, as a file to send. */
export async function cut(picture: HTMLCanvasElement, rectangle: Rectangle): Promise<Blob> {
  const square = squareWithin(rectangle, picture.width, picture.height)
  const edge = Math.min(square.width, MAX_SENT_EDGE)
  return fileOf(drawn(picture, square, edge, edge))
}

/** As a file: WebP keeps what is transparent, and browsers that cannot write it make a PNG. */
export function fileOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob === null ? reject(new NoPicture()) : resolve(blob)), 'image/webp', QUALITY),
  )
}

/** The square of whole pixels that is nearest to the rectangle and wholly inside a picture of this size. */
export function squareWithin(rectangle: Rectangle, width: number, height: number): Rectangle {
  const wanted = Math.round(Math.min(rectangle.width, rectangle.height))
  const edge = Math.max(1, Math.min(wanted, width, height))
  const within = (start: number, whole: number) => Math.max(0, Math.min(Math.round(start), whole - edge))
  return { x: within(rectangle.x, width), y: within(rectangle.y, height), width: edge, height: edge }
}

function drawn(image: CanvasImageSource, from: Rectangle, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (context === null) throw new NoPicture()
  context.imageSmoothingQuality = 'high'
  context.drawImage(image, from.x, from.y, from.width, from.height, 0, 0, width, height)
  return canvas
}

function atLeastOne(pixels: number): number {
  return Math.max(1, Math.round(pixels))
}
