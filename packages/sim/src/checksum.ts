/** The Internet checksum (RFC 1071), of parts that each begin at an even place. */
export class HeaderChecksum {
  #sum = 0

  add(bytes: Uint8Array, from = 0, to: number = bytes.length): this {
    for (let i = from; i < to; i += 2) this.#sum += (bytes[i]! << 8) | (i + 1 < to ? bytes[i + 1]! : 0)
    return this
  }

  get value(): number {
    let sum = this.#sum
    while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
    return ~sum & 0xffff
  }
}

/** Of UDP and TCP, over the pseudo-header (RFC 768, RFC 9293 §3.1, RFC 8200 §8.1) and all from `start` on. */
export function transportChecksum(
  from: Uint8Array,
  to: Uint8Array,
  protocol: number,
  bytes: Uint8Array,
  start: number,
): number {
  const length = bytes.length - start
  const pseudo = Uint8Array.of(0, protocol, length >>> 24, length >>> 16, length >>> 8, length)
  return new HeaderChecksum().add(from).add(to).add(pseudo).add(bytes, start).value
}
