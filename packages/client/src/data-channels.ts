import { type Deliveries, Delivery } from "./delivery.ts"
import type { Clock } from "./environment.ts"
import { Inbox } from "./numbering.ts"
import { type Message, Outgoing } from "./outgoing.ts"

/** The data channels of every connection: negotiated, so that they are there without asking. */
const CHANNELS: Readonly<Record<ChannelName, RTCDataChannelInit>> = {
  reliable: { negotiated: true, id: 0 },
  fast: { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 },
}

export type ChannelName = "reliable" | "fast"

/** A channel in which fewer bytes than this wait is given more. */
const LOW_WATER = 256 * 1024

/** How long acknowledgements are gathered, ms. */
const ACK_DELAY = 50

/** Characters of a stream's name that are looked at. */
const MAX_STREAM = 64

/** How long who sends to everybody waits for one who acknowledges nothing, ms. */
const ACK_PATIENCE = 5000

interface Owner {
  /** The peer's participant id. */
  readonly peer: string
  readonly clock: Clock
  readonly deliveries: Deliveries
  opened(): void
  message(data: string | ArrayBuffer): void
  /** The peer has closed the connection. */
  closed(): void
  /** The peer is who was here as this participant before. */
  returned(before: string): void
}

/**
 * The two channels to one peer, over as many connections as it takes. What is said on the reliable one outlives
 * them: each side counts what it says, tells where it goes on (`from`) and how far it has heard (`ack`):
 * docs/signaling.md, "Messages between two participants".
 */
export class DataChannels {
  readonly #owner: Owner
  #channels: Record<ChannelName, RTCDataChannel> | undefined
  #pc: RTCPeerConnection | undefined
  /** The description of the peer that the connection was given first. */
  #described = ""
  /** What the peer last described a connection by. */
  #certificate = ""
  readonly #fast = new Outgoing()
  #delivery: Delivery
  /** It is known whom this connection reaches, and we have said where we go on. */
  #recognized = false
  #begun = false
  /** The number of the peer's next message on this connection; 0 before they said so. */
  #next = 0
  #cancelAck: (() => void) | undefined
  #cancelPatience: (() => void) | undefined
  /** The peer cannot be reached, or acknowledges nothing: who sends to everybody does not wait for them. */
  #unreachable = false
  /** Resolved when those who send to everybody should wait no longer. */
  #setback = Promise.withResolvers<void>()
  /** Resolved when something changed that a waiting send should look at. */
  #change = Promise.withResolvers<void>()
  #closed = false

  constructor(owner: Owner) {
    this.#owner = owner
    this.#delivery = this.#newDelivery()
  }

  /** Opens the channels on a new connection, in place of an earlier one's. */
  open(pc: RTCPeerConnection): void {
    this.#pc = pc
    this.#channels = { reliable: this.#create(pc, "reliable"), fast: this.#create(pc, "fast") }
  }

  /**
   * The connection is about to be given a description of the peer. The channels may open, and be heard on, before the
   * browser says that it has it: then it is by the first one that they opened.
   */
  describe(sdp: string): void {
    if (this.#pc?.remoteDescription === null) this.#described = sdp
  }

  /** The connection is given up; another may come. */
  detach(): void {
    this.#certificate = this.#shownCertificate() || this.#certificate
    this.#pc = undefined
    this.#described = ""
    this.#channels = undefined
    this.#recognized = false
    this.#begun = false
    this.#next = 0
    this.#cancelAck?.()
    this.#cancelAck = undefined
    this.#cancelPatience?.()
    this.#cancelPatience = undefined
    this.#stopWaiting()
  }

  /** Whether the peer can be reached now. */
  reaches(now: boolean): void {
    this.#unreachable = !now
    if (!now) this.#stopWaiting()
  }

  /**
   * Resolves when a channel has taken the data. What is reliable is kept until it is acknowledged, and handed over
   * again on the next connection. Rejects with a `TightbeamError` of `send-queue-full` where too much is kept
   * already, and once `close` was called.
   */
  async send(name: ChannelName, message: Message): Promise<void> {
    const entry = this.#outgoing(name).keep(message)
    this.#hand()
    while (!entry.handed) {
      if (this.#closed) throw new DOMException("The peer left.", "InvalidStateError")
      await this.#change.promise
    }
  }

  /**
   * As `send`, to one of many: who cannot be reached, or whose connection breaks meanwhile, gets it once that mends,
   * without anybody waiting for it. What is fast, or more than is kept for one, passes them by.
   */
  async sendAlong(name: ChannelName, message: Message): Promise<void> {
    if (this.#unreachable && (name === "fast" || this.#delivery.outgoing.full)) return
    const enough = this.#unreachable ? undefined : this.#setback.promise
    await Promise.race([this.send(name, message), enough])
  }

  /**
   * The peer is gone, as a participant at least. `expected`: it is the room that was lost to us, and they may come
   * back as another.
   */
  close(expected: boolean): void {
    this.detach()
    this.#closed = true
    this.#owner.deliveries.lose(this.#delivery, this.#certificate, expected)
    this.#wake()
  }

  #newDelivery(): Delivery {
    const { peer, clock } = this.#owner
    return new Delivery(peer, clock, () => {
      this.#delivery = this.#newDelivery()
      this.detach()
    })
  }

  #outgoing(name: ChannelName): Outgoing {
    return name === "reliable" ? this.#delivery.outgoing : this.#fast
  }

  #create(pc: RTCPeerConnection, name: ChannelName): RTCDataChannel {
    const channel = pc.createDataChannel(name, CHANNELS[name])
    channel.binaryType = "arraybuffer"
    channel.bufferedAmountLowThreshold = LOW_WATER
    channel.onbufferedamountlow = () => this.#hand()
    const reliable = name === "reliable"
    channel.onmessage = ({ data }: { data: string | ArrayBuffer }) =>
      reliable ? this.#receive(pc, data) : this.#owner.message(data)
    channel.onclose = () => {
      if (reliable && pc === this.#pc) this.#owner.closed()
    }
    channel.onopen = () => {
      if (reliable) {
        this.#recognize()
        const { stream, outgoing } = this.#delivery
        channel.send(JSON.stringify(["from", stream, outgoing.next]))
        this.#begun = true
        this.#owner.opened()
      }
      this.#hand()
    }
    return channel
  }

  #shownCertificate(): string {
    return certificateOf(this.#pc?.remoteDescription?.sdp ?? this.#described)
  }

  /** Finds what is known of the peer that this connection has proven to reach, and goes on there. */
  #recognize(): void {
    if (this.#recognized) return
    this.#recognized = true
    const { deliveries, peer } = this.#owner
    const certificate = this.#shownCertificate()
    const own = this.#delivery
    const known = deliveries.find(certificate) ?? own
    if (known !== own) {
      known.release()
      known.release = own.release
      known.outgoing.adopt(own.outgoing)
      this.#delivery = known
    }
    deliveries.keep(certificate, known)
    known.outgoing.rewind()
    if (known.participant !== peer) this.#owner.returned(known.participant)
    known.participant = peer
  }

  /** Hands over all that the channels have room for. */
  #hand(): void {
    for (const name of ["reliable", "fast"] as const) {
      const channel = this.#channels?.[name]
      if (channel?.readyState === "open" && (this.#begun || name === "fast"))
        this.#outgoing(name).hand(channel)
    }
    if (this.#delivery.outgoing.stuck)
      this.#cancelPatience ??= this.#owner.clock.after(ACK_PATIENCE, () => this.reaches(false))
    this.#wake()
  }

  /** A JSON array is between the two channels; all else is a message. */
  #receive(pc: RTCPeerConnection, data: string | ArrayBuffer): void {
    if (pc !== this.#pc) return
    this.#recognize()
    if (typeof data === "string" && data.startsWith("[")) return this.#control(data)
    if (this.#next === 0) return
    const place = this.#delivery.inbox.accept(this.#next++)
    this.#oweAck()
    if (place === "new") this.#owner.message(data)
  }

  #control(text: string): void {
    const [kind, first, second] = parse(text)
    const delivery = this.#delivery
    if (kind === "from" && typeof first === "string" && isNumber(second)) {
      if (first !== delivery.heard) {
        delivery.heard = first.slice(0, MAX_STREAM)
        delivery.inbox = new Inbox(second - 1)
      }
      this.#next = second
      this.#oweAck()
    } else if (kind === "ack" && isNumber(first)) {
      delivery.outgoing.acknowledge(first)
      this.#cancelPatience?.()
      this.#cancelPatience = undefined
      this.#unreachable = false
      this.#hand()
    }
  }

  #oweAck(): void {
    this.#cancelAck ??= this.#owner.clock.after(ACK_DELAY, () => {
      this.#cancelAck = undefined
      const channel = this.#channels?.reliable
      if (channel?.readyState === "open") channel.send(JSON.stringify(["ack", this.#delivery.inbox.received]))
    })
  }

  #stopWaiting(): void {
    this.#setback.resolve()
    this.#setback = Promise.withResolvers()
  }

  #wake(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function parse(text: string): readonly unknown[] {
  try {
    return JSON.parse(text) as readonly unknown[]
  } catch {
    return []
  }
}

/**
 * The fingerprint of the certificate that the peer has shown (RFC 8122 §5). A description that names several says
 * nothing: only one of them was checked.
 */
function certificateOf(sdp: string): string {
  const named = sdp.toUpperCase().match(/^A=FINGERPRINT:.*/gm) ?? []
  return new Set(named).size === 1 ? named[0]! : ""
}
