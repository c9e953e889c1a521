import type { RemoteParticipant } from "@tightbeam/client"

/** Whom somebody pinned, and what they are known by when a restarted server has given everybody new ids. */
export interface Pin {
  readonly id: string
  readonly name: string
  /** Nobody else had this name. */
  readonly nameIsUnique: boolean
  /** Ids of what they publish: random, chosen by their page, and the same for as long as they publish. */
  readonly publications: readonly string[]
  /** Of the certificate that all their connections show while they stay. */
  readonly fingerprint: string | undefined
}

/** The fingerprint of the certificate that a participant's connection shows; undefined where none has been told yet. */
export type FingerprintOf = (participant: string) => string | undefined

/** A pin of somebody, as they are now. */
export function pinOf(
  { id, name, publications }: RemoteParticipant,
  all: readonly RemoteParticipant[],
  fingerprintOf: FingerprintOf,
): Pin {
  return {
    id,
    name,
    nameIsUnique: all.filter(other => other.name === name).length === 1,
    publications: publications.map(publication => publication.id),
    fingerprint: fingerprintOf(id),
  }
}

/**
 * Whom a pin means now: the same id, else whoever shows the same certificate or publishes the same, else the only one
 * of a name that only they had. Rather nobody than somebody else.
 */
export function findPinned(
  pin: Pin,
  participants: readonly RemoteParticipant[],
  fingerprintOf: FingerprintOf,
): RemoteParticipant | undefined {
  const sure = surely(pin, participants, fingerprintOf)
  if (sure || !pin.nameIsUnique) return sure
  const namesakes = participants.filter(({ name }) => name === pin.name)
  return namesakes.length === 1 ? namesakes[0] : undefined
}

/** The pin brought up to date where it is sure who is meant: what they are now is how they are found later. */
export function renewed(
  pin: Pin,
  participants: readonly RemoteParticipant[],
  fingerprintOf: FingerprintOf,
): Pin {
  const sure = surely(pin, participants, fingerprintOf)
  if (sure === undefined) return pin
  const now = pinOf(sure, participants, fingerprintOf)
  return {
    ...now,
    // Who has just come back publishes nothing yet, and has no connection.
    publications: now.publications.length > 0 ? now.publications : pin.publications,
    fingerprint: now.fingerprint ?? pin.fingerprint,
  }
}

const surely = (
  pin: Pin,
  participants: readonly RemoteParticipant[],
  fingerprintOf: FingerprintOf,
): RemoteParticipant | undefined =>
  participants.find(({ id }) => id === pin.id) ??
  participants.find(({ id }) => pin.fingerprint !== undefined && fingerprintOf(id) === pin.fingerprint) ??
  participants.find(({ publications }) => publications.some(({ id }) => pin.publications.includes(id)))

/** The fingerprint of the certificate in a description (RFC 8122 §5); of several it is open which is shown. */
export function fingerprintIn(sdp: string | undefined): string | undefined {
  const named = new Set(sdp?.toUpperCase().match(/^A=FINGERPRINT:.*/gm))
  return named.size === 1 ? [...named][0] : undefined
}
