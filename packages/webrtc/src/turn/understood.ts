import type { Out } from "../contract/index.ts"
import { Attribute } from "../stun/index.ts"

/** What this server knows of the attributes that must be understood. */
export const UNDERSTOOD: ReadonlySet<number> = new Set([
  Attribute.mappedAddress,
  Attribute.username,
  Attribute.errorCode,
  Attribute.unknownAttributes,
  Attribute.channelNumber,
  Attribute.lifetime,
  Attribute.xorPeerAddress,
  Attribute.data,
  Attribute.realm,
  Attribute.nonce,
  Attribute.passwordAlgorithm,
  Attribute.userhash,
  Attribute.xorRelayedAddress,
  Attribute.requestedAddressFamily,
  Attribute.evenPort,
  Attribute.requestedTransport,
  Attribute.xorMappedAddress,
  Attribute.reservationToken,
  Attribute.connectionId,
])

const UNDERSTOOD_WITH_DF: ReadonlySet<number> = new Set([...UNDERSTOOD, Attribute.dontFragment])

/** RFC 8656 §7.2 (4) and §11.2: DONT-FRAGMENT is unknown to a server that cannot set the DF bit. */
export function understoodWith(out: Out<never>): ReadonlySet<number> {
  return out.forwardUnfragmented === undefined ? UNDERSTOOD : UNDERSTOOD_WITH_DF
}

/** What a Binding request may have besides, where there is a second address (RFC 5780 §7). */
export const UNDERSTOOD_OF_BINDING: ReadonlySet<number> = new Set([
  ...UNDERSTOOD,
  Attribute.changeRequest,
  Attribute.padding,
  Attribute.responsePort,
])
