import { parseIp } from "@tightbeam/webrtc/bytes"

/** Addresses one after the other, from the one behind `first`. */
export class AddressPool {
  readonly #last: Uint8Array

  constructor(first: string) {
    const ip = parseIp(first)
    if (ip === undefined) throw new TypeError(`"${first}" is not an IP address`)
    this.#last = ip
  }

  /** The same array each time. */
  next(): Uint8Array {
    const ip = this.#last
    let i = ip.length - 1
    while (ip[i] === 0xff) ip[i--] = 0
    ip[i] = ip[i]! + 1
    return ip
  }
}
