import { initials, tint } from "./initials.ts"

/** A stranger's name: text, in its own direction, cut with an ellipsis where it is long. */
export function PersonName({ name, note }: { name: string; note?: string }) {
  return (
    <span class="person-name" title={name}>
      <bdi>{name}</bdi>
      {note && <span class="person-note"> ({note})</span>}
    </span>
  )
}

/** How many tints tokens.css knows. */
const TINTS = 6

export const tintOf = (id: string): number => tint(id, TINTS)

/** Stands where a picture would be. */
export function Avatar({ name }: { name: string }) {
  return (
    <span class="avatar" aria-hidden="true">
      {initials(name)}
    </span>
  )
}
