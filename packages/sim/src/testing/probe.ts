import assert from "node:assert/strict"
import { type Address, formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import type { Host } from "../host.ts"

/** A UDP socket of a test: says something, and keeps what it hears. */
export class Probe {
  readonly local: Address
  readonly heard: { readonly from: string; readonly text: string }[] = []
  readonly #host: Host

  constructor(host: Host, port: number, ip: string = host.address()) {
    const bytes = parseIp(ip)!
    const bound = host.bind(
      port,
      (payload, from) =>
        this.heard.push({ from: formatAddress(from), text: new TextDecoder().decode(payload) }),
      bytes,
    )
    assert.ok(bound !== undefined, `${host.name} has no free port ${port} on ${ip}`)
    this.local = { ip: bytes, port: bound }
    this.#host = host
  }

  say(text: string, to: Address | Probe | string): void {
    const address = typeof to === "string" ? addressOf(to) : to instanceof Probe ? to.local : to
    this.#host.send(this.local, address, new TextEncoder().encode(text))
  }

  /** From whom this text came; `undefined` when it did not. */
  heardFrom(text: string): string | undefined {
    return this.heard.find(each => each.text === text)?.from
  }
}

/** Of `203.0.113.1:80` or `[2001:db8::1]:80`. */
export function addressOf(text: string): Address {
  const [, ip, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text)!
  return { ip: parseIp(ip!)!, port: Number(port) }
}
