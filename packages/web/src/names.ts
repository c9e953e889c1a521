import { NAME, NAME_LENGTH, ROOM_NAME, ROOM_NAME_LENGTH } from "@tightbeam/client"

const CONSONANTS = "bdgklmnrstvz"
const VOWELS = "aeiou"

/** Syllables that join into words nobody wants in a link. */
const UNWANTED = /kak|nig|nazi|gaga|tit|rape|dumu|gut|negr/

/**
 * A room name that can be said over the phone and is hard to guess: six syllables, about 35 bits.
 * `random` fills an array of bytes, as crypto.getRandomValues does.
 */
export function suggestRoomName(random: (bytes: Uint8Array<ArrayBuffer>) => unknown): string {
  for (;;) {
    const bytes = new Uint8Array(12)
    random(bytes)
    const syllables = Array.from(
      { length: 6 },
      (_, i) => pick(CONSONANTS, bytes[i * 2]!) + pick(VOWELS, bytes[i * 2 + 1]!),
    )
    const words = [syllables.slice(0, 2), syllables.slice(2, 4), syllables.slice(4)].map(pair =>
      pair.join(""),
    )
    if (new Set(syllables).size === 6 && !words.some(word => UNWANTED.test(word))) return words.join("-")
  }
}

const pick = (letters: string, byte: number): string => letters[byte % letters.length]!

/** What a room may be called. */
export const isRoomName = (name: string): boolean => ROOM_NAME.test(name)

/** A person's name as others may see it: any script, without what moves the cursor or turns text around. */
export function tidyPersonName(typed: string): string {
  // Joiners mean something only between what they join: each character is judged in such a place.
  const clean = Array.from(typed, character => (NAME.test(`x${character}x`) ? character : "")).join("")
  const name = clean.trim().slice(0, NAME_LENGTH).trim()
  return NAME.test(name) && name !== "" ? name : "Guest"
}

/** What a person typed, as a room name: lower case, dashes for spaces, without what a link would mangle. */
export function tidyRoomName(typed: string): string {
  return typed
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\s.]+/g, "-")
    .replace(/[^a-z0-9_-]/g, "")
    .replace(/-{2,}/g, "-")
    .replace(/^-/, "")
    .slice(0, ROOM_NAME_LENGTH)
}
