import type { RemoteParticipant } from "@tightbeam/client"

/** What a tile shows: somebody, or a screen of theirs. */
export interface TileOf {
  readonly participant: RemoteParticipant
  /** The screen, with the id of its publication. */
  readonly screen?: { readonly id: string; readonly track: MediaStreamTrack }
}

export interface StagePlan {
  /** What has most of the stage. */
  readonly front: readonly TileOf[]
  /** Everybody and everything else, besides oneself. */
  readonly rest: readonly TileOf[]
}

/** From so many people on, oneself included, all faces are small: whoever has the floor is shown large. */
export const LARGE_ROOM = 9

/** Who and what comes to the front: whom somebody pinned, else the shared screens, else in a large room who speaks. */
export function planStage(
  participants: readonly RemoteParticipant[],
  pinned: RemoteParticipant | undefined,
  floor: string | undefined,
): StagePlan {
  const screens = participants.flatMap(screensOf)
  const people: readonly TileOf[] = participants.map(participant => ({ participant }))
  const put = (front: readonly TileOf[]): StagePlan => ({
    front,
    rest: [...people, ...screens].filter(tile => !front.includes(tile)),
  })
  if (pinned) {
    const theirs = screens.filter(({ participant }) => participant === pinned)
    if (theirs.length > 0) return put(theirs)
    // Two people see each other large anyway.
    if (people.length > 1 || screens.length > 0)
      return put(people.filter(({ participant }) => participant === pinned))
  }
  if (screens.length > 0) return put(screens)
  if (people.length + 1 >= LARGE_ROOM)
    return put(people.filter(({ participant }) => participant.id === floor))
  return put([])
}

const screensOf = (participant: RemoteParticipant): readonly TileOf[] =>
  participant.publications.flatMap(({ source, id, track }) =>
    source === "screen" && track ? [{ participant, screen: { id, track } }] : [],
  )
