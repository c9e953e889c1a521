import type { RemoteParticipant } from "@tightbeam/client"

/** Whom somebody pinned, and what they are known by when a restarted server has given everybody new ids. */
export interface Pin {
  readonly id: string
  readonly name: string
  /** Nobody else had this name. */
  readonly nameIsUnique: boolean
  /** Ids of what they publish: random, chosen by their page, and the same for as long as they publish. */
  readonly publications: readonly string[]
}

/** A pin of somebody, as they are now. */
export function pinOf(participant: RemoteParticipant, all: readonly RemoteParticipant[]): Pin {
  const { id, name, publications } = participant
  return {
    id,
    name,
    nameIsUnique: all.filter(other => other.name === name).length === 1,
    publications: publications.map(publication => publication.id),
  }
}

/**
 * Whom a pin means now: the same id, else whoever publishes the same, else the only one of a name that only they had.
 * Rather nobody than somebody else.
 */
export function findPinned(
  pin: Pin,
  participants: readonly RemoteParticipant[],
): RemoteParticipant | undefined {
  const sure = surely(pin, participants)
  if (sure || !pin.nameIsUnique) return sure
  const namesakes = participants.filter(({ name }) => name === pin.name)
  return namesakes.length === 1 ? namesakes[0] : undefined
}

/** The pin brought up to date where it is sure who is meant: what they publish now is how they are found later. */
export function renewed(pin: Pin, participants: readonly RemoteParticipant[]): Pin {
  const sure = surely(pin, participants)
  if (sure === undefined) return pin
  const now = pinOf(sure, participants)
  // Who has just come back publishes nothing yet.
  return now.publications.length > 0 ? now : { ...now, publications: pin.publications }
}

const surely = (pin: Pin, participants: readonly RemoteParticipant[]): RemoteParticipant | undefined =>
  participants.find(({ id }) => id === pin.id) ??
  participants.find(({ publications }) => publications.some(({ id }) => pin.publications.includes(id)))
