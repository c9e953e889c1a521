import type { DtlsOut } from "./events.ts"
import type { Flight, FlightOut } from "./flight.ts"
import type { DtlsLimits } from "./options.ts"

/** What is added to two round trips: for the other end's cryptography, in ms. */
const GRACE = 25

/** Sends a flight again until the other end has it (RFC 9147 §5.8, RFC 6347 §4.2.4). */
export class Retransmission {
  readonly #limits: DtlsLimits
  readonly #to: FlightOut
  #flight: Flight | undefined
  #sentAt = -Infinity
  #due = Infinity
  #timeout = 0
  #roundTrip: number | undefined

  constructor(limits: DtlsLimits, to: FlightOut) {
    this.#limits = limits
    this.#to = to
  }

  get due(): number {
    return this.#due
  }

  /** What may still be missing at the other end. */
  get flight(): Flight | undefined {
    return this.#flight
  }

  /** In ms, as measured by whoever knows the path. */
  set roundTrip(ms: number) {
    this.#roundTrip = ms
  }

  /** Before the first retransmission, in ms. */
  get firstTimeout(): number {
    return this.#roundTrip === undefined ? this.#limits.firstRetransmission : 2 * this.#roundTrip + GRACE
  }

  /** `isLast`: nobody answers it, so it is sent again only to who shows that it did not come (RFC 6347 §4.2.4). */
  begin(flight: Flight, isLast: boolean, now: number, out: DtlsOut): void {
    this.#flight = flight
    this.#timeout = this.firstTimeout
    this.#send(flight, now, out)
    this.#due = isLast ? Infinity : now + this.#timeout
  }

  /** The other end has all of it. */
  end(): void {
    this.#flight = undefined
    this.#due = Infinity
  }

  /** The timer: once more, and then longer to wait, for the path may be full. */
  expire(now: number, out: DtlsOut): void {
    if (this.#flight === undefined || now < this.#due) return
    this.#send(this.#flight, now, out)
    const most = Math.max(this.#limits.retransmission, this.firstTimeout)
    this.#timeout = Math.min(2 * this.#timeout, most)
    this.#due = now + this.#timeout
  }

  /** The other end shows that it misses something. Not more often than half a timeout: such signs come in flocks. */
  hurry(now: number, out: DtlsOut): void {
    if (this.#flight === undefined || now < this.#sentAt + this.firstTimeout / 2) return
    this.#send(this.#flight, now, out)
    if (this.#due !== Infinity) this.#due = now + this.#timeout
  }

  #send(flight: Flight, now: number, out: DtlsOut): void {
    this.#sentAt = now
    const bytes = flight.send(this.#to, out)
    out.note({ layer: "dtls", kind: "flight", messages: flight.names, bytes, attempt: flight.attempts })
  }
}
