import type { Address } from "@tightbeam/webrtc/bytes"
import type { Schedule } from "./schedule.ts"
import type { Segment } from "./segment.ts"

/** What one end of a connection is told. */
export interface TcpHandlers {
  opened?(connection: TcpConnection): void
  /** Bytes in order, as they come; the array may be kept, and is not to be written to. */
  data?(bytes: Uint8Array): void
  /** Some of what waited to be sent has left: `queued` is less than before. */
  left?(): void
  /** Once: "closed" (by either end), "refused", "reset", "timed-out", "unreachable" or "cut". */
  closed?(why: string): void
}

/** Where a connection sends, and who forgets it in the end. */
export interface TcpOutlet {
  readonly schedule: Schedule
  readonly localAddress: Address
  readonly remoteAddress: Address
  transmit(segment: Segment, payload: Uint8Array): void
  forget(connection: TcpConnection): void
}

/** Bytes in a segment: what fits the least MTU of IPv6 (1280) under any header. */
const MSS = 1220
/** RFC 6298 §2.1, ms. */
const FIRST_RTO = 1000
/** Linux's floor, ms. */
const LEAST_RTO = 200
const GREATEST_RTO = 60_000
/** After so many in vain it gives up: 51 seconds after the first at the least RTO, 63 for a SYN. */
const RETRANSMISSIONS = { syn: 5, data: 8 }
/** RFC 6928 §2, bytes. */
const INITIAL_WINDOW = 10 * MSS
const GREATEST_WINDOW = 262_144
/** What is kept of what came while nobody wants it, bytes. */
const RECEIVE_BUFFER = 262_144
/** RFC 5681 §3.2. */
const DUPLICATE_ACKS = 3

const NOTHING = new Uint8Array(0)

interface Sent {
  readonly seq: number
  /** Sequence numbers that it takes: its bytes, or 1 for SYN and FIN. */
  readonly length: number
  readonly payload: Uint8Array
  readonly syn: boolean
  readonly fin: boolean
  /** The last time. */
  sentAt: number
}

/**
 * One end of a TCP connection, as much of it as a network can tell: the handshake, acknowledgements, retransmission and
 * a window that grows and halves. Every segment is a packet that NATs, firewalls and lossy links treat as any other.
 */
export class TcpConnection {
  handlers: TcpHandlers = {}
  /** The other end, once a SYN of one of them came. */
  peer: TcpConnection | undefined
  readonly local: Address
  readonly remote: Address
  readonly #outlet: TcpOutlet
  readonly #accept: ((connection: TcpConnection) => void) | undefined
  #state: "opening" | "open" | "closing" | "severed" | "gone" = "opening"
  readonly #waiting: Uint8Array[] = []
  #queued = 0
  #unacknowledged: Sent[] = []
  #finWanted = false
  #finSent = false
  #sendNext = 0
  #acknowledged = 0
  #receiveNext = 0
  /** How many bytes the other end has room for. */
  #peerWindow = RECEIVE_BUFFER
  #isPaused = false
  /** In order, but not wanted yet. */
  readonly #kept: Uint8Array[] = []
  #keptBytes = 0
  readonly #early = new Map<number, { readonly segment: Segment; readonly payload: Uint8Array }>()
  #duplicates = 0
  /** Holes below this are being repaired (RFC 6582). */
  #recover = 0
  #window = INITIAL_WINDOW
  #rto = FIRST_RTO
  #smoothed: number | undefined
  #retransmissions = 0
  #deadline = Infinity
  #timerAt = Infinity
  #cancelTimer: () => void = () => {}

  /** `accept`: of the end that listened. */
  constructor(outlet: TcpOutlet, accept?: (connection: TcpConnection) => void) {
    this.#outlet = outlet
    this.local = outlet.localAddress
    this.remote = outlet.remoteAddress
    this.#accept = accept
  }

  /** Bytes that wait to be sent for the first time. */
  get queued(): number {
    return this.#queued
  }

  get isOpen(): boolean {
    return this.#state === "open" || this.#state === "opening"
  }

  /** Sends the first SYN. */
  open(): void {
    this.#sendAndKeep(NOTHING, true, false)
  }

  /** `bytes` are copied. */
  send(bytes: Uint8Array): void {
    if (!this.isOpen || this.#finWanted) return
    for (let at = 0; at < bytes.length; at += MSS) this.#waiting.push(bytes.slice(at, at + MSS))
    this.#queued += bytes.length
    this.#push()
  }

  /** Hands up no more bytes. What comes is kept, as much as there is room for; then the other end has to wait. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    while (!this.#isPaused && this.#kept.length > 0) {
      const bytes = this.#kept.shift()!
      this.#keptBytes -= bytes.length
      if (this.#state === "open") this.handlers.data?.(bytes)
    }
    if (this.#isOver() || this.#isPaused) return
    this.#deliver()
    // The other end may wait for room (RFC 9293 §3.8.6.2.2).
    if (!this.#isOver()) this.#transmit(this.#sendNext, NOTHING, false, false)
  }

  /** What was sent before arrives first; nothing is received any more. */
  close(): void {
    if (!this.isOpen) return
    if (this.#state === "opening") return this.#end("closed")
    this.#state = "closing"
    this.#finWanted = true
    this.#push()
    this.handlers.closed?.("closed")
  }

  /** Ends it at this end; nobody else is told. */
  abandon(why: string): void {
    this.#end(why)
  }

  /**
   * Breaks it as a pulled cable does: what is under way is lost and this end is told at once; the other, which no packet
   * tells, finds out after `noticed` ms.
   */
  sever(noticed: number): void {
    if (!this.isOpen) return
    const peer = this.peer?.isOpen ? this.peer : undefined
    for (const end of [this, peer]) {
      if (end === undefined) continue
      end.#state = "severed"
      end.#cancelTimer()
    }
    this.handlers.closed?.("cut")
    this.#outlet.schedule.after(noticed, () => {
      this.#end()
      if (peer !== undefined) peer.#end("cut")
    })
  }

  receive(segment: Segment, payload: Uint8Array): void {
    if (this.#isOver()) return
    if (segment.rst) {
      const why = this.#state === "opening" ? "refused" : "reset"
      return this.#end(this.#state === "closing" ? undefined : why)
    }
    if (segment.opener !== undefined) {
      this.peer = segment.opener
      segment.opener.peer = this
    }
    // RFC 9293 §3.10.7.3: before its SYN, nothing of the other end means anything.
    if (this.#receiveNext === 0 && !segment.syn) return
    const isFirstSyn = this.#receiveNext === 0
    if (isFirstSyn) this.#receiveNext = 1
    this.#acknowledge(segment, payload)
    if (this.#isOver()) return
    if (isFirstSyn && this.#accept !== undefined) return this.#sendAndKeep(NOTHING, true, false)
    // It asks again: our SYN was lost.
    if (segment.syn && this.#accept !== undefined && this.#state === "opening") return this.#retransmit()
    if (payload.length === 0 && !segment.fin && !segment.syn) return
    const hasRoom = segment.fin || this.#room() > 0
    if (segment.seq >= this.#receiveNext && hasRoom) this.#early.set(segment.seq, { segment, payload })
    this.#deliver()
    if (!this.#isOver()) this.#transmit(this.#sendNext, NOTHING, false, false)
  }

  #room(): number {
    return Math.max(0, RECEIVE_BUFFER - this.#keptBytes)
  }

  #isOver(): boolean {
    return this.#state === "severed" || this.#state === "gone"
  }

  /** Hands up what is in order. */
  #deliver(): void {
    for (;;) {
      const next = this.#early.get(this.#receiveNext)
      // What ends it waits for what is before it.
      if (next === undefined || (next.segment.fin && this.#keptBytes > 0)) return
      this.#early.delete(this.#receiveNext)
      if (next.segment.fin) {
        this.#receiveNext++
        this.#transmit(this.#sendNext, NOTHING, false, false)
        // There is no half-closed connection here: who is told that the other has closed has closed as well.
        return this.#end(this.#state === "closing" ? undefined : "closed")
      }
      this.#receiveNext += next.payload.length
      if (this.#isPaused) {
        this.#kept.push(next.payload)
        this.#keptBytes += next.payload.length
      } else if (this.#state === "open") this.handlers.data?.(next.payload)
      if (this.#isOver()) return
    }
  }

  #acknowledge({ ack, fin, syn, window }: Segment, payload: Uint8Array): void {
    if (ack > this.#sendNext) return
    const isUpdate = ack >= this.#acknowledged && window !== this.#peerWindow
    const hadNoRoom = this.#peerWindow === 0
    if (ack >= this.#acknowledged) this.#peerWindow = window
    if (ack <= this.#acknowledged) {
      if (isUpdate && hadNoRoom && this.#unacknowledged.length > 0) this.#retransmit()
      if (isUpdate) this.#push()
      // It is there and has no room: not a reason to give up (RFC 9293 §3.8.6.1).
      if (window === 0) this.#retransmissions = 0
      const isDuplicate = ack === this.#acknowledged && payload.length === 0 && !fin && !syn && !isUpdate
      if (isDuplicate && this.#unacknowledged.length > 0 && ++this.#duplicates === DUPLICATE_ACKS)
        this.#repair()
      return
    }
    this.#window = Math.min(GREATEST_WINDOW, this.#window + ack - this.#acknowledged)
    this.#acknowledged = ack
    this.#duplicates = 0
    this.#retransmissions = 0
    this.#measure()
    this.#unacknowledged = this.#unacknowledged.filter(({ seq, length }) => seq + length > ack)
    if (this.#state === "opening") {
      this.#state = "open"
      if (this.#accept !== undefined) this.#accept(this)
      else this.handlers.opened?.(this)
      if (this.#isOver()) return
    }
    if (this.#unacknowledged.length > 0) {
      if (ack < this.#recover) this.#retransmit()
      this.#arm()
    } else if (this.#finSent) return this.#end()
    this.#push()
  }

  /**
   * RFC 6298, as with timestamps (RFC 7323 §4.3): of the segment that was missing, from its last time. The spread is taken
   * to be an eighth of the round trip. Any progress ends the backoff.
   */
  #measure(): void {
    const roundTrip = this.#outlet.schedule.now - this.#unacknowledged[0]!.sentAt
    this.#smoothed = this.#smoothed === undefined ? roundTrip : (7 * this.#smoothed + roundTrip) / 8
    this.#rto = Math.max(LEAST_RTO, 1.5 * this.#smoothed)
  }

  #push(): void {
    if (this.#state === "opening") return
    const before = this.#queued
    // One is sent even where there is no room for it: its answer says when there is (RFC 9293 §3.8.6.1).
    const most = Math.max(1, Math.min(this.#window, this.#peerWindow))
    while (this.#waiting.length > 0 && this.#sendNext - this.#acknowledged < most) {
      const bytes = this.#waiting.shift()!
      this.#queued -= bytes.length
      this.#sendAndKeep(bytes, false, false)
    }
    if (this.#queued < before) this.handlers.left?.()
    if (!this.#finWanted || this.#finSent || this.#waiting.length > 0) return
    this.#finSent = true
    this.#sendAndKeep(NOTHING, false, true)
  }

  #sendAndKeep(payload: Uint8Array, syn: boolean, fin: boolean): void {
    const length = syn || fin ? 1 : payload.length
    const sentAt = this.#outlet.schedule.now
    this.#unacknowledged.push({ seq: this.#sendNext, length, payload, syn, fin, sentAt })
    this.#sendNext += length
    this.#transmit(this.#sendNext - length, payload, syn, fin)
    if (this.#unacknowledged.length === 1) this.#arm()
  }

  #retransmit(): void {
    const first = this.#unacknowledged[0]!
    first.sentAt = this.#outlet.schedule.now
    this.#transmit(first.seq, first.payload, first.syn, first.fin)
  }

  /** Something was lost: half the window, and all that was sent so far may have holes. */
  #repair(): void {
    this.#recover = this.#sendNext
    this.#window = Math.max(2 * MSS, this.#window / 2)
    this.#retransmit()
  }

  #transmit(seq: number, payload: Uint8Array, syn: boolean, fin: boolean): void {
    const segment = { seq, ack: this.#receiveNext, syn, fin, rst: false, window: this.#room() }
    // The first SYN alone acknowledges nothing.
    this.#outlet.transmit(syn && this.#accept === undefined ? { ...segment, opener: this } : segment, payload)
  }

  #arm(): void {
    const { schedule } = this.#outlet
    this.#deadline = schedule.now + this.#rto
    if (this.#timerAt <= this.#deadline) return
    this.#cancelTimer()
    this.#timerAt = this.#deadline
    this.#cancelTimer = schedule.after(this.#rto, () => this.#due())
  }

  #due(): void {
    const { schedule } = this.#outlet
    this.#timerAt = Infinity
    if (this.#unacknowledged.length === 0) return
    if (schedule.now < this.#deadline) {
      this.#timerAt = this.#deadline
      this.#cancelTimer = schedule.after(this.#deadline - schedule.now, () => this.#due())
      return
    }
    const most = this.#state === "opening" ? RETRANSMISSIONS.syn : RETRANSMISSIONS.data
    if (++this.#retransmissions > most) return this.#end(this.#state === "closing" ? undefined : "timed-out")
    this.#rto = Math.min(GREATEST_RTO, 2 * this.#rto)
    if (this.#peerWindow === 0) this.#retransmit()
    else this.#repair()
    this.#arm()
  }

  #end(why?: string): void {
    if (this.#state === "gone") return
    this.#state = "gone"
    this.#cancelTimer()
    this.#outlet.forget(this)
    if (why !== undefined) this.handlers.closed?.(why)
  }
}
