/** Who has the floor: the one to look at in a room that is too large to look at everybody. */
export interface Floor {
  readonly holder: string | undefined
  /** Who else speaks, and since when, ms. */
  readonly next: { readonly who: string; readonly since: number } | undefined
}

export const EMPTY_FLOOR: Floor = { holder: undefined, next: undefined }

/** Nobody takes the floor with a cough: they speak for this long, ms. */
const TAKES = 500

/**
 * The floor after a look at who speaks. Whoever has it keeps it through silence and interruptions, until they are
 * silent and somebody else speaks; so the picture does not jump.
 */
export function passFloor(floor: Floor, speaking: ReadonlySet<string>, now: number): Floor {
  if (floor.holder !== undefined && speaking.has(floor.holder)) return { ...floor, next: undefined }
  const stays = floor.next !== undefined && speaking.has(floor.next.who)
  const [first] = speaking
  if (!stays)
    return { holder: floor.holder, next: first === undefined ? undefined : { who: first, since: now } }
  return now - floor.next!.since >= TAKES ? { holder: floor.next!.who, next: undefined } : floor
}
