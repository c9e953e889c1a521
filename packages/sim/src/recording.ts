import type { Internet } from "./internet.ts"
import type { Drop, Protocol, Sighting } from "./packet.ts"

/** A packet at one place, as it was there. */
export interface RecordedPacket {
  /** ms since the run began. */
  readonly at: number
  readonly where: string
  readonly what: Sighting["what"]
  readonly why: Drop | undefined
  /** The same wherever one packet is seen. */
  readonly packet: number
  readonly protocol: Protocol
  readonly from: { readonly ip: Uint8Array; readonly port: number }
  readonly to: { readonly ip: Uint8Array; readonly port: number }
  /** `203.0.113.1:3478 > [2001:db8::1]:5000`. */
  readonly addresses: string
  readonly payload: Uint8Array
  readonly segment: { readonly seq: number; readonly ack: number; readonly flags: number } | undefined
}

/** RFC 9293 §3.1. */
export const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, ack: 16 } as const

/** All that is seen in an internet from now on. Two runs of one seed have the same `hash`. */
export class Recording {
  readonly records: RecordedPacket[] = []

  constructor(internet: Internet) {
    const { endpoints } = internet.simulation
    internet.watch(({ at, where, what, why, packet }) => {
      const { id, protocol, from, to, payload, segment } = packet
      const flags =
        segment &&
        (segment.fin ? TCP_FLAGS.fin : 0) |
          (segment.syn ? TCP_FLAGS.syn : 0) |
          (segment.rst ? TCP_FLAGS.rst : 0) |
          (segment.opener === undefined ? TCP_FLAGS.ack : 0)
      this.records.push({
        at,
        where,
        what,
        why,
        packet: id,
        protocol,
        from: endpoints.address(from),
        to: endpoints.address(to),
        addresses: `${endpoints.text(from)} > ${endpoints.text(to)}`,
        payload,
        segment: segment && { seq: segment.seq, ack: segment.ack, flags: flags! },
      })
    })
  }

  /** Of everything: times, places, addresses and each byte. */
  get hash(): string {
    const hash = new Hash()
    for (const { at, where, what, why, packet, protocol, addresses, payload, segment } of this.records) {
      const head = [
        at,
        where,
        what,
        why,
        packet,
        protocol,
        addresses,
        segment?.seq,
        segment?.ack,
        segment?.flags,
      ]
      hash.text(head.join(" "))
      hash.bytes(payload)
    }
    return hash.hex
  }
}

/** Two FNV-1a hashes side by side: enough to tell two runs apart, and no secret is kept by it. */
class Hash {
  #a = 0x811c9dc5
  #b = 0x01234567

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#add(text.charCodeAt(i))
  }

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#add(byte)
  }

  get hex(): string {
    return [this.#a, this.#b].map(half => (half >>> 0).toString(16).padStart(8, "0")).join("")
  }

  #add(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193)
    this.#b = Math.imul(this.#b ^ value, 0x01000193) + 1
  }
}
