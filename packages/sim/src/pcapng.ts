import { HeaderChecksum, transportChecksum } from "./checksum.ts"
import type { RecordedPacket, Recording } from "./recording.ts"

/** Bare IP packets, of either version. */
const LINKTYPE_RAW = 101
const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const OPTION = { end: 0, comment: 1, name: 2, flags: 2, resolution: 9 } as const
const INBOUND = 1
const OUTBOUND = 2
/** Nanoseconds. */
const RESOLUTION = 9
/** The interface that shows what was lost, with the reason as a comment. */
const DROPPED = "dropped"

const encoder = new TextEncoder()

/**
 * A recording as a capture that Wireshark opens (draft-ietf-opsawg-pcapng). Every host, NAT and firewall is an interface
 * of it, so one packet is there once for each place that saw it: `frame.interface_name == "ada"` shows one of them. What
 * was dropped is on the interface `dropped`. Times count from 1970-01-01.
 */
export function pcapng({ records }: Recording): Uint8Array {
  const blocks: Uint8Array[] = [sectionHeader()]
  const interfaces = new Map<string, number>()
  for (const record of records) {
    const name = record.what === "dropped" ? DROPPED : record.where
    let id = interfaces.get(name)
    if (id === undefined) {
      interfaces.set(name, (id = interfaces.size))
      blocks.push(interfaceDescription(name))
    }
    blocks.push(enhancedPacket(record, id))
  }
  return concat(blocks)
}

function sectionHeader(): Uint8Array {
  const body = new DataView(new ArrayBuffer(16))
  // How a reader tells the byte order.
  body.setUint32(0, 0x1a2b3c4d, true)
  body.setUint16(4, 1, true)
  // The length of the section is not said.
  body.setBigInt64(8, -1n, true)
  return block(SECTION_HEADER, [bytesOf(body)])
}

function interfaceDescription(name: string): Uint8Array {
  const body = new DataView(new ArrayBuffer(8))
  body.setUint16(0, LINKTYPE_RAW, true)
  return block(INTERFACE_DESCRIPTION, [
    bytesOf(body),
    option(OPTION.name, encoder.encode(name)),
    option(OPTION.resolution, Uint8Array.of(RESOLUTION)),
    option(OPTION.end, new Uint8Array(0)),
  ])
}

function enhancedPacket(record: RecordedPacket, interfaceId: number): Uint8Array {
  const ip = ipPacket(record)
  const time = BigInt(Math.round(record.at * 1e6))
  const body = new DataView(new ArrayBuffer(20))
  body.setUint32(0, interfaceId, true)
  body.setUint32(4, Number(time >> 32n), true)
  body.setUint32(8, Number(time & 0xffffffffn), true)
  body.setUint32(12, ip.length, true)
  body.setUint32(16, ip.length, true)
  const parts = [bytesOf(body), padded(ip)]
  if (record.what === "dropped")
    parts.push(option(OPTION.comment, encoder.encode(`${record.where}: ${record.why}`)))
  else if (record.what !== "forwarded")
    parts.push(option(OPTION.flags, flags(record.what === "sent" ? OUTBOUND : INBOUND)))
  parts.push(option(OPTION.end, new Uint8Array(0)))
  return block(ENHANCED_PACKET, parts)
}

/** The packet as it would be on the wire, checksums included. */
function ipPacket({ protocol, from, to, payload, segment }: RecordedPacket): Uint8Array {
  const isV4 = from.ip.length === 4
  const start = isV4 ? 20 : 40
  const header = protocol === "udp" ? 8 : 20
  const bytes = new Uint8Array(start + header + payload.length)
  const view = new DataView(bytes.buffer)
  const length = header + payload.length
  const number = protocol === "udp" ? 17 : 6
  if (isV4) {
    bytes[0] = 0x45
    view.setUint16(2, bytes.length)
    // Don't fragment: the simulator never does (RFC 791 §3.1).
    view.setUint16(6, 0x4000)
    bytes[8] = 64
    bytes[9] = number
    bytes.set(from.ip, 12)
    bytes.set(to.ip, 16)
    view.setUint16(10, new HeaderChecksum().add(bytes, 0, start).value)
  } else {
    bytes[0] = 0x60
    view.setUint16(4, length)
    bytes[6] = number
    bytes[7] = 64
    bytes.set(from.ip, 8)
    bytes.set(to.ip, 24)
  }
  view.setUint16(start, from.port)
  view.setUint16(start + 2, to.port)
  if (segment === undefined) view.setUint16(start + 4, length)
  else {
    view.setUint32(start + 4, segment.seq)
    view.setUint32(start + 8, segment.ack)
    bytes[start + 12] = 5 << 4
    bytes[start + 13] = segment.flags
    view.setUint16(start + 14, 0xffff)
  }
  bytes.set(payload, start + header)
  const checksum = transportChecksum(from.ip, to.ip, number, bytes, start)
  // RFC 768: a UDP checksum of 0 would say that there is none.
  view.setUint16(
    start + (protocol === "udp" ? 6 : 16),
    checksum === 0 && protocol === "udp" ? 0xffff : checksum,
  )
  return bytes
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(parts)
  const bytes = new Uint8Array(body.length + 12)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, true)
  view.setUint32(4, bytes.length, true)
  bytes.set(body, 8)
  view.setUint32(bytes.length - 4, bytes.length, true)
  return bytes
}

function option(code: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * Math.ceil(value.length / 4))
  const view = new DataView(bytes.buffer)
  view.setUint16(0, code, true)
  view.setUint16(2, value.length, true)
  bytes.set(value, 4)
  return bytes
}

function flags(direction: number): Uint8Array {
  return Uint8Array.of(direction, 0, 0, 0)
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(4 * Math.ceil(bytes.length / 4))
  whole.set(bytes)
  return whole
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
