import type { Address } from "../bytes/index.ts"
import type { Hmac } from "../crypto/index.ts"
import {
  Attribute,
  HEADER_LENGTH,
  MessageClass,
  Method,
  padded,
  type StunMessage,
  type StunWriter,
} from "../stun/index.ts"
import type { IceRole } from "./options.ts"

/** What every check has beside the username: PRIORITY, the role, USE-CANDIDATE, NOMINATION, integrity, fingerprint. */
const FIXED_LENGTH = HEADER_LENGTH + 4 + 8 + 12 + 4 + 8 + 24 + 8
/** XOR-MAPPED-ADDRESS of IPv6, or an error; integrity and fingerprint. */
export const RESPONSE_LENGTH: number = HEADER_LENGTH + 64 + 24 + 8

/** What a connectivity check may hold that must be understood (RFC 8445 §7.1); USERNAME and what is STUN's own. */
export const UNDERSTOOD: ReadonlySet<number> = new Set([
  Attribute.username,
  Attribute.priority,
  Attribute.useCandidate,
  Attribute.errorCode,
  Attribute.unknownAttributes,
  Attribute.xorMappedAddress,
  Attribute.mappedAddress,
])

export const TIE_BREAKER_LENGTH = 8

/** What a check says (RFC 8445 §7.1, §7.2.2). */
export interface CheckRequest {
  readonly id: Uint8Array
  readonly username: Uint8Array
  /** The priority that the local candidate would have, were it peer reflexive. */
  readonly priority: number
  readonly role: IceRole
  readonly tieBreaker: Uint8Array
  readonly isNominating: boolean
  /** NOMINATION; 0 where the other end does not know it. */
  readonly nomination: number
  readonly key: Hmac
}

export function checkLength({ username }: CheckRequest): number {
  return FIXED_LENGTH + padded(username.length)
}

/** Returns the length. */
export function writeCheck(writer: StunWriter, bytes: Uint8Array, at: number, check: CheckRequest): number {
  writer.begin(bytes, at, checkLength(check), MessageClass.request, Method.binding, check.id)
  writer.attribute(Attribute.username, check.username)
  writer.uint32(Attribute.priority, check.priority)
  const role = check.role === "controlling" ? Attribute.iceControlling : Attribute.iceControlled
  writer.attribute(role, check.tieBreaker)
  if (check.isNominating) {
    writer.flag(Attribute.useCandidate)
    if (check.nomination > 0) writer.uint32(Attribute.nomination, check.nomination)
  }
  writer.messageIntegrity(check.key)
  writer.fingerprint()
  return writer.end()
}

/** The answer to a check that came from `source` (RFC 8445 §7.3.1.2). Returns the length. */
export function writeCheckSuccess(
  writer: StunWriter,
  bytes: Uint8Array,
  at: number,
  request: StunMessage,
  source: Address,
  key: Hmac,
): number {
  writer.begin(bytes, at, RESPONSE_LENGTH, MessageClass.success, Method.binding, request.transactionId)
  writer.xorAddress(Attribute.xorMappedAddress, source.ip, source.port)
  writer.messageIntegrity(key)
  writer.fingerprint()
  return writer.end()
}

/** Without a key the error is not authenticated, as 400 and 401 cannot be (RFC 8489 §9.1.3). Returns the length. */
export function writeCheckError(
  writer: StunWriter,
  bytes: Uint8Array,
  at: number,
  request: StunMessage,
  code: number,
  key?: Hmac,
): number {
  writer.begin(bytes, at, RESPONSE_LENGTH, MessageClass.error, Method.binding, request.transactionId)
  writer.errorCode(code)
  // A server that names all of them would answer with more than it was sent: the first few tell as much.
  if (code === 420) writer.unknownAttributes(request.unknownAttributes(UNDERSTOOD).slice(0, 8))
  if (key !== undefined) writer.messageIntegrity(key)
  writer.fingerprint()
  return writer.end()
}

/** The local half of a check's USERNAME, where it has both (RFC 8445 §7.2.2). */
export function localUfragOf(message: StunMessage): string | undefined {
  const value = message.value(Attribute.username)
  const colon = value?.indexOf(0x3a) ?? -1
  // Ufrags are ASCII: what is not will not be found among ours.
  return colon < 1 ? undefined : String.fromCharCode(...value!.subarray(0, Math.min(colon, 256)))
}

/** The role that a check claims, where it has the tie-breaker to prove it. */
export function claimedRole(message: StunMessage): { role: IceRole; tieBreaker: Uint8Array } | undefined {
  const controlling = message.value(Attribute.iceControlling)
  if (controlling?.length === TIE_BREAKER_LENGTH) return { role: "controlling", tieBreaker: controlling }
  const controlled = message.value(Attribute.iceControlled)
  if (controlled?.length === TIE_BREAKER_LENGTH) return { role: "controlled", tieBreaker: controlled }
  return undefined
}

/** RFC 8445 §7.3.1.1: as numbers of 64 bits. */
export function isAtLeast(ours: Uint8Array, theirs: Uint8Array): boolean {
  for (let i = 0; i < TIE_BREAKER_LENGTH; i++) if (ours[i] !== theirs[i]) return ours[i]! > theirs[i]!
  return true
}

/** -1 where a check does not nominate, 0 where it does so without a number. */
export function nominationOf(message: StunMessage): number {
  return message.has(Attribute.useCandidate) ? Math.max(0, message.uint32(Attribute.nomination)) : -1
}
