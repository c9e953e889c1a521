/**
 * Attribute types (RFC 8489 §18.3, RFC 8445 §16.1, RFC 8656 §18, RFC 6062 §6.2, RFC 5780 §7, RFC 8016 §4). Below 0x8000 a
 * receiver must understand them.
 */
export const Attribute = {
  mappedAddress: 0x0001,
  changeRequest: 0x0003,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  evenPort: 0x0018,
  requestedTransport: 0x0019,
  dontFragment: 0x001a,
  messageIntegritySha256: 0x001c,
  passwordAlgorithm: 0x001d,
  userhash: 0x001e,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  priority: 0x0024,
  useCandidate: 0x0025,
  padding: 0x0026,
  responsePort: 0x0027,
  connectionId: 0x002a,
  additionalAddressFamily: 0x8000,
  addressErrorCode: 0x8001,
  passwordAlgorithms: 0x8002,
  alternateDomain: 0x8003,
  software: 0x8022,
  alternateServer: 0x8023,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
  responseOrigin: 0x802b,
  otherAddress: 0x802c,
  mobilityTicket: 0x8030,
  /** ADDITIONAL-ADDRESS-FAMILY before it had a number (draft-martinsen-tram-ssoda), as coturn's client still sends it. */
  additionalAddressFamilyOfDraft: 0x8032,
  /** Which nomination counts where there are several (draft-thatcher-ice-renomination §3): the highest. */
  nomination: 0xc001,
} as const

/** RFC 8489 §18.3: who does not know such an attribute may not act on the message. */
export function isComprehensionRequired(type: number): boolean {
  return type < 0x8000
}

/** The type and length in front of each value (RFC 8489 §14). */
export const ATTRIBUTE_HEADER_LENGTH = 4

/** Values are followed by 0–3 bytes that bring the next attribute to a multiple of 4 (RFC 8489 §14). */
export function padded(length: number): number {
  return (length + 3) & ~3
}

/** RFC 8489 §14.1. */
export const AddressFamily = { ipv4: 1, ipv6: 2 } as const

/** The IANA protocol number that REQUESTED-TRANSPORT carries (RFC 8656 §18.8, RFC 6062 §4.1). */
export const TRANSPORT_UDP = 17
export const TRANSPORT_TCP = 6

/** The longest USERNAME: "fewer than 509 bytes" (RFC 8489 §14.3). */
export const MAX_USERNAME_LENGTH = 508
