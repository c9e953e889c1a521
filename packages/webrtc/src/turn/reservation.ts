import type { Socket } from "../contract/index.ts"
import { Deadlines, type Due } from "../contract/index.ts"
import type { RandomPool } from "./random-pool.ts"
import type { RelayAddresses } from "./relay-addresses.ts"

/** RFC 8656 §7.2: a reserved port is held "for at least 30 seconds". In ms. */
export const RESERVATION_LIFETIME = 30_000

/** RFC 8656 §18.10. */
export const RESERVATION_TOKEN_LENGTH = 8

/** A relay port that is kept for who comes with its token, and counts as an allocation of its user meanwhile. */
export class Reservation implements Due {
  readonly token: Uint8Array
  readonly relay: RelayAddresses
  readonly port: number
  readonly user: string
  /** Bound already: what is promised, no other process can take. */
  readonly socket: Socket
  due: number = Infinity
  place: number = -1

  constructor(token: Uint8Array, relay: RelayAddresses, port: number, user: string, socket: Socket) {
    this.token = token
    this.relay = relay
    this.port = port
    this.user = user
    this.socket = socket
  }
}

/** The reservations that EVEN-PORT made and RESERVATION-TOKEN has not claimed (RFC 8656 §7.2). */
export class Reservations {
  readonly #random: RandomPool
  readonly #byToken = new Map<string, Reservation>()
  readonly #sockets = new Set<Socket>()
  readonly #deadlines = new Deadlines<Reservation>()

  constructor(random: RandomPool) {
    this.#random = random
  }

  get size(): number {
    return this.#byToken.size
  }

  get nextExpiry(): number {
    return this.#deadlines.next
  }

  /** Whether it is nobody's yet: what arrives on it is for nobody either. */
  has(socket: Socket): boolean {
    return this.#sockets.size > 0 && this.#sockets.has(socket)
  }

  /** Keeps a port, which is in use already, and its socket. */
  make(relay: RelayAddresses, port: number, user: string, socket: Socket, now: number): Reservation {
    const at = this.#random.take(RESERVATION_TOKEN_LENGTH)
    const token = this.#random.bytes.slice(at, at + RESERVATION_TOKEN_LENGTH)
    const reservation = new Reservation(token, relay, port, user, socket)
    this.#byToken.set(nameOf(token), reservation)
    this.#sockets.add(socket)
    this.#deadlines.set(reservation, now + RESERVATION_LIFETIME)
    return reservation
  }

  /** The reservation of a token, if it is this user's and has not expired. */
  find(token: Uint8Array, user: string, now: number): Reservation | undefined {
    const reservation = this.#byToken.get(nameOf(token))
    return reservation !== undefined && reservation.user === user && now < reservation.due
      ? reservation
      : undefined
  }

  /** It is claimed: the port is whose allocation it becomes. */
  claim(reservation: Reservation): void {
    this.#forget(reservation)
    this.#deadlines.remove(reservation)
  }

  /** Takes out the next one that has expired. */
  expireNext(now: number): Reservation | undefined {
    const reservation = this.#deadlines.take(now)
    if (reservation !== undefined) this.#forget(reservation)
    return reservation
  }

  #forget({ token, socket }: Reservation): void {
    this.#byToken.delete(nameOf(token))
    this.#sockets.delete(socket)
  }
}

function nameOf(token: Uint8Array): string {
  return token.join(".")
}
