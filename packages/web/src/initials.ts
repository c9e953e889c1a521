const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" })

const first = (word: string): string => segments.segment(word)[Symbol.iterator]().next().value?.segment ?? ""

/** One or two letters for an avatar: whole graphemes, so that emoji and combined letters stay whole. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/)
    .filter(word => /\p{L}|\p{N}|\p{Extended_Pictographic}/u.test(word))
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(word =>
    word === undefined ? "" : first(word.replace(/^[^\p{L}\p{N}\p{Extended_Pictographic}]+/u, "")),
  )
  return letters.join("").toLocaleUpperCase() || "?"
}

/** A stable number below `count` for an id, so that each person keeps one tint. */
export function tint(id: string, count: number): number {
  let hash = 0
  for (const character of id) hash = (hash * 31 + character.codePointAt(0)!) >>> 0
  return hash % count
}
