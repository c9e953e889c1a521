import type { Address } from "../bytes/index.ts"
import { type Datagram, NO_PATH, type Out } from "../contract/index.ts"
import {
  ATTRIBUTE_HEADER_LENGTH,
  Attribute,
  FINGERPRINT_LENGTH,
  padded,
  type StunMessage,
} from "../stun/index.ts"
import { MAX_AMPLIFICATION } from "./challenge.ts"
import type { Counters } from "./counters.ts"
import { MAX_RESPONSE_LENGTH, type ReplyTo, type Responder } from "./responder.ts"
import type { Listener, Listeners } from "./second-address.ts"
import { UNDERSTOOD, UNDERSTOOD_OF_BINDING } from "./understood.ts"

/**
 * RFC 5780 §6.1: PADDING as long as the MTU of the outgoing interface. Where the request's is shorter, so is ours: who may
 * be a victim is sent no more than was spent on it.
 */
const LONGEST_PADDING = 1_500

/** A MAPPED-ADDRESS and its like. */
const addressLength = ({ ip }: Address): number => ATTRIBUTE_HEADER_LENGTH + 4 + ip.length

/**
 * The Binding method (RFC 8489 §12), which needs no credentials, and with a second address NAT behaviour discovery
 * (RFC 5780).
 *
 * Whoever asks may not be who they say they are. So no response is more than `MAX_AMPLIFICATION` times its request: of
 * OTHER-ADDRESS, RESPONSE-ORIGIN and MAPPED-ADDRESS, in this order, those are left out for which it is too short. And
 * every response goes to the IP address that the request came from, out of the same byte budget, whichever socket and
 * port it takes.
 */
export class Binding {
  readonly #responder: Responder
  readonly #counters: Counters
  readonly #listeners: Listeners | undefined

  constructor(responder: Responder, counters: Counters, listeners: Listeners | undefined) {
    this.#responder = responder
    this.#counters = counters
    this.#listeners = listeners
  }

  /** Returns how many bytes the response has. */
  answer(message: StunMessage, d: Datagram, to: ReplyTo, out: Out<never>): number {
    this.#counters.bindingRequests++
    const socket = out.paths.socket(d.path)
    // These tests are of UDP alone (RFC 5780 §3): a connection answers as a server without a second address.
    const listeners = this.#listeners?.has(socket) === true ? this.#listeners : undefined
    const unknown = message.unknownAttributes(listeners === undefined ? UNDERSTOOD : UNDERSTOOD_OF_BINDING)
    if (unknown.length > 0) {
      return this.#responder.error(to, 420, out, writer => writer.unknownAttributes(unknown))
    }
    const client = out.paths.remote(d.path)
    if (listeners === undefined) {
      return this.#responder.success(to, out, writer =>
        writer.xorAddress(Attribute.xorMappedAddress, client.ip, client.port),
      )
    }
    return this.#discover(message, d, to, listeners, out)
  }

  #discover(message: StunMessage, d: Datagram, to: ReplyTo, listeners: Listeners, out: Out<never>): number {
    const client = out.paths.remote(d.path)
    const socket = out.paths.socket(d.path)
    const wish = wishOf(message, client.port)
    if (wish === undefined) return this.#responder.error(to, 400, out)
    const from = listeners.answering(socket, wish.flags)
    const path = out.paths.open(from.socket, { ip: client.ip, port: wish.port })
    if (path === NO_PATH) {
      this.#counters.drop("no-path")
      return 0
    }
    const padding = Math.min(wish.padding, LONGEST_PADDING)
    const tail = to.fingerprint ? FINGERPRINT_LENGTH : 0
    const paddingLength = wish.padding < 0 ? 0 : ATTRIBUTE_HEADER_LENGTH + padded(padding)
    const most = Math.floor(d.length * MAX_AMPLIFICATION) - tail - paddingLength
    const room = MAX_RESPONSE_LENGTH + paddingLength
    return this.#responder.success(
      { ...to, client: path },
      out,
      writer => {
        writer.xorAddress(Attribute.xorMappedAddress, client.ip, client.port)
        for (const [type, address] of told(client, from, listeners.other(socket))) {
          if (writer.length + addressLength(address) > most) break
          writer.address(type, address.ip, address.port)
        }
        if (wish.padding >= 0) writer.zeros(Attribute.padding, padding)
      },
      room,
    )
  }
}

/** What a request asks for; `undefined` for what cannot be read, and for what RFC 5780 §7.5 forbids together. */
function wishOf(
  message: StunMessage,
  ownPort: number,
): { readonly flags: number; readonly port: number; readonly padding: number } | undefined {
  const flags = message.has(Attribute.changeRequest) ? message.uint32(Attribute.changeRequest) : 0
  if (flags < 0) return undefined
  const padding = message.value(Attribute.padding)?.length ?? -1
  if (!message.has(Attribute.responsePort)) return { flags, port: ownPort, padding }
  // RFC 5780 §7.5: 16 bits of port, two bytes of padding, which some send and some do not count.
  const value = message.value(Attribute.responsePort)!
  if (padding >= 0 || value.length < 2 || value.length > 4) return undefined
  const port = value[0]! * 256 + value[1]!
  return port === 0 ? undefined : { flags, port, padding }
}

/** The most useful first: without OTHER-ADDRESS nothing can be asked. */
function told(client: Address, from: Listener, other: Listener): readonly (readonly [number, Address])[] {
  return [
    [Attribute.otherAddress, other.address],
    [Attribute.responseOrigin, from.address],
    [Attribute.mappedAddress, client],
  ]
}
