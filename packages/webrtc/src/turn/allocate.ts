import type { Address } from "../bytes/index.ts"
import type { Out, Path, Socket, SocketFailure, Transport } from "../contract/index.ts"
import {
  AddressFamily,
  Attribute,
  Method,
  type StunMessage,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../stun/index.ts"
import type { Allocation, PeerProtocol, PortWish } from "./allocation.ts"
import { type AlternateServers, alternateFor } from "./alternate-server.ts"
import { userOf } from "./credentials.ts"
import type { TurnEvent } from "./event.ts"
import { type Context, desiredLifetime, familyIn, type Refusal, type Request, refusal } from "./request.ts"
import { RESERVATION_TOKEN_LENGTH } from "./reservation.ts"
import type { ReplyTo } from "./responder.ts"

type TurnOut = Out<TurnEvent>

/** The Allocate method (RFC 8656 §7.2). Its answer has to wait for the driver to bind a socket. */
export class Allocate {
  readonly #context: Context
  readonly #opened: (allocation: Allocation, out: TurnOut) => void
  /** Where newcomers are sent while the server drains. */
  #alternates: AlternateServers = {}

  /** `opened` is called for each allocation that relays from now on. */
  constructor(context: Context, opened: (allocation: Allocation, out: TurnOut) => void) {
    this.#context = context
    this.#opened = opened
  }

  redirect(alternates: AlternateServers): void {
    this.#alternates = alternates
  }

  handle(request: Request, now: number, out: TurnOut): Refusal | undefined {
    const { table, limits } = this.#context
    const { message, from, to } = request
    const existing = table.ofClient(to.client)
    if (existing !== undefined) return this.#repeat(existing, request, now, out)

    const transport = out.paths.transport(to.client)
    const protocol = protocolOf(message, transport, this.#context.tcpPeers)
    if (typeof protocol === "object") return protocol
    const user = userOf(from.username)
    const port = this.#portWish(message, user, now)
    if (typeof port === "object" && "code" in port) return port
    const families = familiesOf(message)
    if ("code" in families) return families
    const missing = families.find(family => table.relays(family) === undefined)
    const offered = families.map(family => table.relays(family)).filter(relay => relay !== undefined)
    const relays = typeof port === "object" ? [port.relay] : offered
    if (relays.length === 0) return refusal(440, "no relayed address of that family")
    const lifetime = desiredLifetime(message, limits)
    if (lifetime === undefined) return refusal(400, "unreadable LIFETIME")

    const { tickets } = this.#context
    const wishedTicket = message.value(Attribute.mobilityTicket)
    // RFC 8016 §3.1.2. Where mobility is off it is ignored, as by who never heard of it: 405 would cost the client its relay.
    if (tickets !== undefined && wishedTicket !== undefined && wishedTicket.length > 0) {
      return refusal(400, "a MOBILITY-TICKET where there is no allocation yet")
    }

    // A reserved port is here, beside the allocation that it was reserved with.
    const elsewhere = typeof port === "object" ? undefined : this.#alternateFor(request, out)
    if (elsewhere !== undefined) return refusal(300, "the server drains", elsewhere)

    // A reserved port is counted since it was reserved.
    const more = typeof port === "object" ? 0 : port === "even-with-next" ? 2 : relays.length
    if (table.allocationsOf(user) + more > limits.allocationsPerUser) {
      return refusal(486, "limits.allocationsPerUser")
    }
    if (table.allocationsInRoomOf(user) + more > limits.allocationsPerRoom) {
      return refusal(486, "limits.allocationsPerRoom")
    }
    if (table.sizeOfAll + relays.length > limits.allocations) return refusal(508, "limits.allocations")
    const allocation = table.create(
      {
        client: to.client,
        transport,
        username: from.username.slice(),
        user,
        key: from.key,
        algorithm: from.algorithm,
        transactionId: to.transactionId,
        fingerprint: to.fingerprint,
        lifetime,
        port,
        protocol,
        // RFC 8016 moves a 5-tuple, and RFC 6062 has more than one.
        isMobile: protocol === "udp" && tickets !== undefined && wishedTicket !== undefined,
      },
      relays,
      missing === undefined ? undefined : { family: missing, code: 440 },
      now,
      out,
    )
    if (allocation === undefined) return refusal(508, "no relay port is free that would do")
    // The socket of a reserved port is there.
    if (typeof port === "object") this.#open(allocation, now, out)
    return undefined
  }

  /** A socket is there. */
  bound(id: number, socket: Socket, local: Address, now: number, out: TurnOut): void {
    const allocation = this.#context.table.bound(id, socket, local, now, out)
    if (allocation !== undefined) this.#open(allocation, now, out)
  }

  /**
   * No socket. Returns the client that was refused, unless another port is being tried, or the other one of a dual
   * allocation was waiting for this one and now relays alone.
   */
  failed(
    id: number,
    reason: SocketFailure,
    now: number,
    out: TurnOut,
  ): { client: Path; refused: Refusal } | undefined {
    const { table, responder } = this.#context
    const allocation = table.failed(id, reason, out)
    if (allocation === undefined) return undefined
    const other = table.ofClient(allocation.client)
    if (other !== undefined) {
      this.#open(other, now, out)
      return undefined
    }
    responder.error(replyTo(allocation), 508, out)
    const why = reason === "in-use" ? "the relay ports tried are in use" : "no socket could be bound"
    return { client: allocation.client, refused: refusal(508, why) }
  }

  /** Tells the client, once everything is there. */
  #open(allocation: Allocation, now: number, out: TurnOut): void {
    if (!allocation.isComplete) return
    for (const each of allocation.both) each.isOpen = true
    this.#succeed(allocation, replyTo(allocation), now, out)
    for (const each of allocation.both) this.#opened(each, out)
  }

  #alternateFor({ message, to }: Request, out: TurnOut): Refusal["attributes"] {
    return alternateFor(this.#alternates, {
      transport: out.paths.transport(to.client),
      address: out.paths.remote(to.client),
      readsDomain: message.integritySha256At >= 0,
    })
  }

  /** EVEN-PORT and RESERVATION-TOKEN (RFC 8656 §7.2, 5 and 8). */
  #portWish(message: StunMessage, user: string, now: number): PortWish | Refusal {
    const even = message.value(Attribute.evenPort)
    const token = message.value(Attribute.reservationToken)
    if (token !== undefined) {
      if (token.length !== RESERVATION_TOKEN_LENGTH) return refusal(400, "unreadable RESERVATION-TOKEN")
      const namesFamily = message.has(Attribute.requestedAddressFamily) || asksForAnother(message)
      if (even !== undefined || namesFamily) {
        return refusal(400, "RESERVATION-TOKEN with EVEN-PORT or an address family")
      }
      return this.#context.table.reservation(token, user, now) ?? refusal(508, "no such reservation")
    }
    if (even === undefined) return "any"
    if (even.length !== 1) return refusal(400, "unreadable EVEN-PORT")
    if ((even[0]! & 0x80) === 0) return "even"
    if (!asksForAnother(message)) return "even-with-next"
    return refusal(400, "EVEN-PORT with a reservation and ADDITIONAL-ADDRESS-FAMILY")
  }

  /**
   * RFC 8656 §7.2: a retransmission has the transaction id that made the allocation and gets the same
   * answer; while the socket is still awaited it gets the answer that will come. Anything else is a mismatch.
   */
  #repeat(existing: Allocation, request: Request, now: number, out: TurnOut): Refusal | undefined {
    if (request.from.key !== existing.key || !request.message.hasTransactionId(existing.transactionId)) {
      return refusal(437, "the client has an allocation")
    }
    if (existing.isOpen) this.#succeed(existing, request.to, now, out)
    return undefined
  }

  #succeed(allocation: Allocation, to: ReplyTo, now: number, out: TurnOut): void {
    const client = out.paths.remote(allocation.client)
    this.#context.responder.success(to, out, writer => {
      for (const { relayed } of allocation.both) {
        writer.xorAddress(Attribute.xorRelayedAddress, relayed.ip, relayed.port)
      }
      const { twinError } = allocation
      if (twinError !== undefined) {
        const family = twinError.family === 4 ? AddressFamily.ipv4 : AddressFamily.ipv6
        writer.addressErrorCode(family, twinError.code)
      }
      writer.uint32(Attribute.lifetime, allocation.timeToExpiry(now))
      const token = allocation.reservationToken
      if (token !== undefined) writer.attribute(Attribute.reservationToken, token)
      writer.xorAddress(Attribute.xorMappedAddress, client.ip, client.port)
      const { mobility } = allocation
      const ticket = mobility && this.#context.tickets?.seal(mobility)
      if (ticket) writer.attribute(Attribute.mobilityTicket, ticket)
    })
  }
}

/** What is to be relayed (RFC 8656 §7.2, 3; RFC 6062 §5.1). */
function protocolOf(message: StunMessage, transport: Transport, tcpPeers: boolean): PeerProtocol | Refusal {
  if (!message.has(Attribute.requestedTransport)) return refusal(400, "no REQUESTED-TRANSPORT")
  const value = message.uint32(Attribute.requestedTransport)
  if (value < 0) return refusal(400, "unreadable REQUESTED-TRANSPORT")
  const number = Math.floor(value / 0x1000000)
  if (number === TRANSPORT_UDP) return "udp"
  if (number !== TRANSPORT_TCP || !tcpPeers)
    return refusal(442, tcpPeers ? "only UDP and TCP are relayed" : "only UDP is relayed")
  if (transport === "udp") return refusal(400, "TCP is relayed for clients over TCP and TLS")
  const wrong = [Attribute.dontFragment, Attribute.evenPort, Attribute.reservationToken]
  return wrong.some(type => message.has(type))
    ? refusal(400, "DONT-FRAGMENT, EVEN-PORT or RESERVATION-TOKEN, where TCP is relayed")
    : "tcp"
}

const ANOTHER_FAMILY = [Attribute.additionalAddressFamily, Attribute.additionalAddressFamilyOfDraft]

function asksForAnother(message: StunMessage): boolean {
  return ANOTHER_FAMILY.some(type => message.has(type))
}

/** Which families are to be relayed (RFC 8656 §7.2, 6, 7 and 9). */
function familiesOf(message: StunMessage): readonly (4 | 6)[] | Refusal {
  const one = familyIn(message, Attribute.requestedAddressFamily)
  const type = ANOTHER_FAMILY.find(type => message.has(type))
  const another = type === undefined ? 0 : familyIn(message, type)
  if (another === 0) {
    // Without either attribute it is IPv4, whatever the client itself comes by.
    return one === undefined ? refusal(440, "no such address family") : [one === 0 ? 4 : one]
  }
  if (one !== 0) return refusal(400, "REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY")
  return another === 6 ? [4, 6] : refusal(400, "ADDITIONAL-ADDRESS-FAMILY is not IPv6")
}

function replyTo({ client, transactionId, fingerprint, key, algorithm }: Allocation): ReplyTo {
  return { client, method: Method.allocate, transactionId, fingerprint, key, algorithm }
}
