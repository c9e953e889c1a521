/** Where a tile goes, CSS pixels from the top left of the stage. */
export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Arrangement {
  /** What has most of the stage: shared screens, or one face. */
  readonly front: readonly Rect[]
  /** One for each face, self first. */
  readonly faces: readonly Rect[]
  /** Self floats above the other picture. */
  readonly selfFloats: boolean
}

/** Faces survive between these shapes (width : height). */
const WIDEST = 16 / 9
const NARROWEST = 4 / 5

/** A rectangle as a style. */
export const placed = ({ x, y, width, height }: Rect): Readonly<Record<string, string>> => ({
  left: `${x}px`,
  top: `${y}px`,
  width: `${width}px`,
  height: `${height}px`,
})

/**
 * Places everybody: what is at the front first, a pair face to face, more in a grid. `count` faces besides the
 * `front`, oneself among them.
 */
export function arrange(
  count: number,
  front: number,
  width: number,
  height: number,
  gap: number,
): Arrangement {
  const whole = { x: 0, y: 0, width: Math.max(0, width), height: Math.max(0, height) }
  if (front > 0) return aroundFront(count, front, whole, gap)
  if (count <= 2) {
    const other = shape(whole, 3 / 4, Number.POSITIVE_INFINITY)
    const self = floating(count === 1 ? whole : other, gap * 2)
    return { front: [], faces: count === 1 ? [self] : [self, other], selfFloats: true }
  }
  return { front: [], faces: grid(count, whole, gap), selfFloats: false }
}

function aroundFront(count: number, front: number, whole: Rect, gap: number): Arrangement {
  const beside = whole.width > whole.height * 1.1
  const strip = Math.round(Math.min(248, Math.max(144, whole.width * 0.2)))
  const room = beside
    ? { ...whole, width: Math.max(0, whole.width - strip - gap) }
    : { ...whole, height: Math.round(Math.min((whole.width * front * 10) / 16, whole.height * 0.6)) }
  const rest = beside
    ? { ...whole, x: room.width + gap, width: strip }
    : { ...whole, y: room.height + gap, height: Math.max(0, whole.height - room.height - gap) }
  return { front: cells(front, room, gap), faces: grid(count, rest, gap), selfFloats: false }
}

/** A rectangle cut into equal parts, along its longer side. */
function cells(count: number, within: Rect, gap: number): readonly Rect[] {
  const across = within.width > within.height
  const width = across ? Math.floor((within.width - gap * (count - 1)) / count) : within.width
  const height = across ? within.height : Math.floor((within.height - gap * (count - 1)) / count)
  return Array.from({ length: count }, (_, i) => ({
    x: within.x + (across ? i * (width + gap) : 0),
    y: within.y + (across ? 0 : i * (height + gap)),
    width,
    height,
  }))
}

/** The largest part of a rectangle whose shape lies between two, in its middle. */
function shape(within: Rect, narrowest: number, widest: number): Rect {
  const ratio = within.width / within.height
  const width = ratio > widest ? Math.floor(within.height * widest) : within.width
  const height = ratio < narrowest ? Math.floor(within.width / narrowest) : within.height
  return {
    x: within.x + Math.floor((within.width - width) / 2),
    y: within.y + Math.floor((within.height - height) / 2),
    width,
    height,
  }
}

/** One's own picture, in the corner of another. */
function floating(within: Rect, inset: number): Rect {
  const upright = within.width < within.height
  const width = upright ? Math.min(108, within.width * 0.28) : Math.min(224, within.width * 0.24)
  const height = upright ? (width * 4) / 3 : (width * 9) / 16
  return {
    x: Math.round(within.x + within.width - width - inset),
    y: Math.round(within.y + within.height - height - inset),
    width: Math.round(width),
    height: Math.round(height),
  }
}

/** Equal tiles, as large as they can be, the last row in the middle. */
function grid(count: number, within: Rect, gap: number): readonly Rect[] {
  let best = { columns: 1, width: 0, height: 0, score: -1 }
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const cell = {
      x: 0,
      y: 0,
      width: Math.max(0, (within.width - gap * (columns - 1)) / columns),
      height: Math.max(0, (within.height - gap * (rows - 1)) / rows),
    }
    const { width, height } = shape(cell, NARROWEST, WIDEST)
    const score = width * height * (1 - 0.02 * (columns * rows - count))
    if (score > best.score) best = { columns, width: Math.floor(width), height: Math.floor(height), score }
  }
  const { columns, width, height } = best
  const rows = Math.ceil(count / columns)
  const top = within.y + Math.floor((within.height - rows * height - (rows - 1) * gap) / 2)
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns)
    const inRow = row === rows - 1 ? count - row * columns : columns
    const left = within.x + Math.floor((within.width - inRow * width - (inRow - 1) * gap) / 2)
    return { x: left + (i % columns) * (width + gap), y: top + row * (height + gap), width, height }
  })
}
