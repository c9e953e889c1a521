import { type Address, formatIp, parseIp } from "@tightbeam/webrtc/bytes"

/** An IP address, numbered in the order of first sight. 0 is no address: any of a host's own. */
export type Ip = number

/** An IP address and a port as one number, so that tables need neither objects nor text as keys. */
export type Endpoint = number

/** Numbers the addresses of one internet. */
export class Endpoints {
  readonly #v4 = new Map<number, Ip>()
  readonly #v6 = new Map<string, Ip>()
  readonly #bytes: Uint8Array[] = [new Uint8Array(0)]

  ip(bytes: Uint8Array): Ip {
    if (bytes.length === 4) {
      const key = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
      const known = this.#v4.get(key)
      if (known !== undefined) return known
      this.#v4.set(key, this.#bytes.length)
    } else {
      const key = String.fromCharCode(...bytes)
      const known = this.#v6.get(key)
      if (known !== undefined) return known
      this.#v6.set(key, this.#bytes.length)
    }
    return this.#bytes.push(bytes.slice()) - 1
  }

  /** Of text; throws when it is no address. */
  parse(text: string): Ip {
    const bytes = parseIp(text)
    if (bytes === undefined) throw new TypeError(`"${text}" is not an IP address`)
    return this.ip(bytes)
  }

  /** The same array each time: not to be written to. */
  bytes(ip: Ip): Uint8Array {
    return this.#bytes[ip]!
  }

  family(ip: Ip): 4 | 6 {
    return this.#bytes[ip]!.length === 4 ? 4 : 6
  }

  endpoint(address: Address): Endpoint {
    return endpointOf(this.ip(address.ip), address.port)
  }

  address(endpoint: Endpoint): Address {
    return { ip: this.bytes(ipOf(endpoint)), port: portOf(endpoint) }
  }

  text(endpoint: Endpoint): string {
    const ip = this.bytes(ipOf(endpoint))
    return `${ip.length === 4 ? formatIp(ip) : `[${formatIp(ip)}]`}:${portOf(endpoint)}`
  }
}

export function endpointOf(ip: Ip, port: number): Endpoint {
  return ip * 65_536 + port
}

export function ipOf(endpoint: Endpoint): Ip {
  return Math.floor(endpoint / 65_536)
}

export function portOf(endpoint: Endpoint): number {
  return endpoint % 65_536
}
