/** Bytes of one part of a path, in UTF-8: Linux takes 255, and a number may come to it. Parts of a path. */
const MAX_PART = 240
const MAX_DEPTH = 16

/** What moves the cursor, turns the text around or cannot be seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu

/** What no file may be called on Windows. */
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(?:\.|$)/i

/**
 * A stranger's path as one that is safe to create below a folder, on any system: relative, without `..`, without what
 * a system refuses or shows as something else.
 */
export function safePath(path: string): string {
  const parts = path
    .normalize("NFC")
    .split(/[\\/]/)
    .map(safePart)
    .filter(part => part !== "")
  return parts.slice(-MAX_DEPTH).join("/") || "file"
}

/** Its last part. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1)
}

function safePart(part: string): string {
  const plain = part
    .replace(UNSEEN, "")
    .replace(/[<>:"|?*]/g, "_")
    .trim()
    // Windows drops them from the end; at the beginning they hide.
    .replace(/[. ]+$/, "")
    .replace(/^\.+/, "")
  const cut = shorten(plain)
  return RESERVED.test(cut) ? `_${cut}` : cut
}

/** Keeps what says of which kind it is. */
function shorten(name: string): string {
  if (bytesOf(name) <= MAX_PART) return name
  const extension = /\.[^.]{1,16}$/.exec(name)?.[0] ?? ""
  const room = MAX_PART - bytesOf(extension)
  let kept = ""
  let size = 0
  for (const character of name.slice(0, -extension.length || undefined)) {
    size += bytesOf(character)
    if (size > room) break
    kept += character
  }
  return kept.replace(/[. ]+$/, "") + extension
}

const encoder = new TextEncoder()
const bytesOf = (text: string): number => encoder.encode(text).length

/** The `n`th of a name: `a.txt`, `a (2).txt`, `a (3).txt`. */
export function numbered(path: string, n: number): string {
  if (n === 1) return path
  const dot = path.lastIndexOf(".")
  const end = dot > path.lastIndexOf("/") + 1 ? dot : path.length
  return `${path.slice(0, end)} (${n})${path.slice(end)}`
}

/** Every name once, whatever the case: a second `a.txt` is `a (2).txt`. */
export function distinct(paths: readonly string[]): string[] {
  const taken = new Set<string>()
  const next = new Map<string, number>()
  return paths.map(path => {
    let name = path
    while (taken.has(name.toLowerCase())) {
      const n = (next.get(path.toLowerCase()) ?? 1) + 1
      next.set(path.toLowerCase(), n)
      name = numbered(path, n)
    }
    taken.add(name.toLowerCase())
    return name
  })
}
