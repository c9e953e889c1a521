import type { Schedule } from "@tightbeam/sim"
import { equalBytes } from "@tightbeam/webrtc/bytes"

/** RFC 7983: not STUN, not a channel, and nobody looks into it. */
const CHUNK = 0x80
const RECEIPT = 0x81
const HEADER = 3
const CHUNK_LENGTH = 1000
/** Chunks sent and not yet confirmed. */
const WINDOW = 16
/** ms between two looks at what is missing. */
const PACE = 20
/**
 * A chunk is sent again after so many round trips, and each time after twice as long: a stream below that is busy with its
 * own repairs gets no more to do. In ms.
 */
const PATIENCE = { roundTrips: 2, first: 500, least: 100, most: 1000 }

/** Sends one datagram to the other end; false when there is no way just now. */
export type SendDatagram = (bytes: Uint8Array) => boolean

/**
 * A number of bytes each way over whatever carries datagrams, each sent until it is confirmed: what shows that a path
 * really works. Every byte is known beforehand, so that whatever is changed on the way is seen.
 */
export class Transfer {
  readonly #schedule: Schedule
  readonly #send: SendDatagram
  readonly #confirmed: boolean[]
  readonly #received: boolean[]
  readonly #sent: ({ at: number; times: number } | undefined)[]
  #toConfirm: number
  #toReceive: number
  /** The least of what was never sent twice, ms. */
  roundTrip: number = Number.POSITIVE_INFINITY
  /** The last of them. */
  #lastRoundTrip: number = PATIENCE.first / PATIENCE.roundTrips
  #stopped = false

  constructor(schedule: Schedule, bytes: number, send: SendDatagram) {
    this.#schedule = schedule
    this.#send = send
    const chunks = Math.ceil(bytes / CHUNK_LENGTH)
    this.#confirmed = Array.from({ length: chunks }, () => false)
    this.#received = Array.from({ length: chunks }, () => false)
    this.#sent = Array.from({ length: chunks }, () => undefined)
    this.#toConfirm = chunks
    this.#toReceive = chunks
  }

  /** Everything was heard of the other end, and everything was confirmed by it. */
  get isDone(): boolean {
    return this.#toConfirm === 0 && this.#toReceive === 0
  }

  start(): void {
    if (this.#stopped || this.#toConfirm === 0) return
    this.#push()
    this.#schedule.after(PACE, () => this.start())
  }

  stop(): void {
    this.#stopped = true
  }

  /** Throws for what the other end cannot have sent. */
  receive(bytes: Uint8Array): void {
    const index = (bytes[1]! << 8) | bytes[2]!
    if (index >= this.#sent.length) throw new Error(`chunk ${index} was never sent`)
    if (bytes[0] === CHUNK) this.#take(index, bytes)
    else if (bytes[0] === RECEIPT) this.#confirm(index)
    else throw new Error(`a datagram begins with ${bytes[0]}`)
  }

  #take(index: number, bytes: Uint8Array): void {
    const expected = chunk(index)
    if (!equalBytes(bytes, expected)) throw new Error(`chunk ${index} was changed on its way`)
    if (!this.#received[index]) {
      this.#received[index] = true
      this.#toReceive--
    }
    this.#send(Uint8Array.of(RECEIPT, index >> 8, index))
  }

  #confirm(index: number): void {
    if (this.#confirmed[index]) return
    this.#confirmed[index] = true
    this.#toConfirm--
    const { at, times } = this.#sent[index]!
    if (times > 1) return
    this.#lastRoundTrip = this.#schedule.now - at
    this.roundTrip = Math.min(this.roundTrip, this.#lastRoundTrip)
  }

  #push(): void {
    const { now } = this.#schedule
    const first = Math.max(PATIENCE.least, PATIENCE.roundTrips * this.#lastRoundTrip)
    let inWindow = 0
    for (let index = 0; index < this.#sent.length && inWindow < WINDOW; index++) {
      if (this.#confirmed[index]) continue
      inWindow++
      const sent = this.#sent[index]
      if (sent !== undefined && now - sent.at < Math.min(PATIENCE.most, first * 2 ** (sent.times - 1)))
        continue
      if (!this.#send(chunk(index))) return
      if (sent === undefined) this.#sent[index] = { at: now, times: 1 }
      else {
        sent.at = now
        sent.times++
      }
    }
  }
}

const made: Uint8Array[] = []

function chunk(index: number): Uint8Array {
  return (made[index] ??= make(index))
}

function make(index: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + CHUNK_LENGTH)
  bytes.set([CHUNK, index >> 8, index])
  for (let i = HEADER; i < bytes.length; i++) bytes[i] = 31 * i + 7 * index
  return bytes
}
