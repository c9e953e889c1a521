import type { Address } from "../../bytes/index.ts"
import {
  AddressFamily,
  AddressSlot,
  Attribute,
  readMappedAddress,
  readXorAddress,
  type StunMessage,
  type StunWriter,
  TRANSPORT_UDP,
} from "../../stun/index.ts"
import type { TurnClientEvent } from "./events.ts"
import type { TurnClientOptions } from "./options.ts"

/** RFC 8489 §14.16. */
const MAX_DOMAIN_LENGTH = 255

type Allocated = Extract<TurnClientEvent, { type: "allocated" }>

/** What an Allocate asks for (RFC 8656 §7.1). */
export function writeAllocate(writer: StunWriter, options: TurnClientOptions): void {
  const { families = "v4", lifetime, evenPort, reservationToken } = options
  writer.requestedTransport(TRANSPORT_UDP)
  if (lifetime !== undefined) writer.uint32(Attribute.lifetime, lifetime)
  if (families === "v6") writer.addressFamily(Attribute.requestedAddressFamily, AddressFamily.ipv6)
  if (families === "both") writer.addressFamily(Attribute.additionalAddressFamily, AddressFamily.ipv6)
  if (evenPort !== undefined) writer.evenPort(evenPort === "reserve-next")
  if (reservationToken !== undefined) writer.attribute(Attribute.reservationToken, reservationToken)
}

/** What a success response grants (RFC 8656 §7.3); `undefined` when something is missing. */
export function readAllocated(message: StunMessage): Allocated | undefined {
  const lifetime = message.uint32(Attribute.lifetime)
  const mappedAt = message.indexOf(Attribute.xorMappedAddress)
  const slot = new AddressSlot()
  const relayed: Address[] = []
  for (let i = message.indexOf(Attribute.xorRelayedAddress); i >= 0 && relayed.length < 2; ) {
    if (!readXorAddress(message, i, slot)) return undefined
    relayed.push(slot.copy())
    i = message.indexOf(Attribute.xorRelayedAddress, i + 1)
  }
  if (lifetime < 1 || relayed.length === 0 || mappedAt < 0) return undefined
  if (!readXorAddress(message, mappedAt, slot)) return undefined
  const reservationToken = message.value(Attribute.reservationToken)?.slice()
  const refusedFamily = readAddressError(message)
  return {
    type: "allocated",
    relayed,
    mapped: slot.copy(),
    lifetime,
    ...(reservationToken === undefined ? {} : { reservationToken }),
    ...(refusedFamily === undefined ? {} : { refusedFamily }),
  }
}

/** RFC 8656 §7.3: addresses of a family that was not asked for are of no use. */
export function isAsAsked({ relayed }: Allocated, { families = "v4" }: TurnClientOptions): boolean {
  if (families === "both") return relayed.length === 1 || relayed[0]!.ip.length !== relayed[1]!.ip.length
  return relayed.length === 1 && relayed[0]!.ip.length === (families === "v4" ? 4 : 16)
}

/** Where a 300 response sends us (RFC 8489 §10, §14.15, §14.16). */
export function readAlternate(message: StunMessage): { server: Address; domain?: string } | undefined {
  const at = message.indexOf(Attribute.alternateServer)
  const slot = new AddressSlot()
  if (at < 0 || !readMappedAddress(message, at, slot)) return undefined
  const name = message.value(Attribute.alternateDomain)
  const domain = name === undefined ? "" : new TextDecoder().decode(name.subarray(0, MAX_DOMAIN_LENGTH))
  return { server: slot.copy(), ...(/^[\w.-]+$/.test(domain) ? { domain } : {}) }
}

/** ADDRESS-ERROR-CODE (RFC 8656 §18.12). */
function readAddressError(message: StunMessage): Allocated["refusedFamily"] {
  const value = message.value(Attribute.addressErrorCode)
  if (value === undefined || value.length < 4) return undefined
  const code = (value[2]! & 0b111) * 100 + value[3]!
  return { family: value[0] === AddressFamily.ipv6 ? 6 : 4, code }
}
