import { TightbeamError } from "./errors.ts"

/** The data channels of every connection: negotiated, so that they are there without asking. */
const CHANNELS: Readonly<Record<ChannelName, RTCDataChannelInit>> = {
  reliable: { negotiated: true, id: 0 },
  fast: { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 },
}

export type ChannelName = "reliable" | "fast"

/** Bytes that wait in a channel before `send` waits too, and how few it then waits for. */
const HIGH_WATER = 1024 * 1024
const LOW_WATER = 256 * 1024

/** Bytes, or characters of text, that may wait to be handed to one channel by those who do not await it. */
const MAX_WAITING = 16 * 1024 * 1024

interface Owner {
  opened(): void
  message(data: string | ArrayBuffer): void
}

/** The two channels to one peer, over as many connections as it takes: what waits to be sent outlives them. */
export class DataChannels {
  readonly #owner: Owner
  #channels: Record<ChannelName, RTCDataChannel> | undefined
  /** The last send of each channel: the next one waits for it, so that none overtakes. */
  readonly #last: Record<ChannelName, Promise<unknown>> = {
    reliable: Promise.resolve(),
    fast: Promise.resolve(),
  }
  readonly #waiting: Record<ChannelName, number> = { reliable: 0, fast: 0 }
  /** The peer cannot be reached: what goes to everybody passes it by. */
  #unreachable = false
  /** Resolved when those who send to everybody should wait no longer. */
  #setback = Promise.withResolvers<void>()
  /** Resolved when something changed that a waiting send should look at. */
  #change = Promise.withResolvers<void>()
  #closed = false

  constructor(owner: Owner) {
    this.#owner = owner
  }

  /** Opens the channels on a new connection, in place of an earlier one's. */
  open(pc: RTCPeerConnection): void {
    this.#channels = { reliable: this.#create(pc, "reliable"), fast: this.#create(pc, "fast") }
  }

  /** The connection is given up; another may come. */
  detach(): void {
    this.#channels = undefined
    this.#stopWaiting()
  }

  /** Whether the peer can be reached now. */
  reaches(peer: boolean): void {
    this.#unreachable = !peer
    if (!peer) this.#stopWaiting()
  }

  /**
   * Resolves when the data is handed over and there is room for more. Rejects with a `TightbeamError` of
   * `send-queue-full` where too much waits already, and once `close` was called.
   */
  send(name: ChannelName, data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    const waiting = this.#waiting[name]
    if (waiting > 0 && waiting + data.length > MAX_WAITING) return Promise.reject(queueFull())
    this.#waiting[name] += data.length
    const sent = this.#last[name]
      .then(() => this.#sendWhenOpen(name, data))
      .finally(() => {
        this.#waiting[name] -= data.length
      })
    this.#last[name] = sent.catch(() => {})
    return sent
  }

  /**
   * As `send`, to one of many: one who cannot be reached gets none, and one whose connection breaks meanwhile gets
   * it if it mends, without anybody waiting for that.
   */
  async sendAlong(name: ChannelName, data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#unreachable) await Promise.race([this.send(name, data), this.#setback.promise])
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  #create(pc: RTCPeerConnection, name: ChannelName): RTCDataChannel {
    const channel = pc.createDataChannel(name, CHANNELS[name])
    channel.binaryType = "arraybuffer"
    channel.bufferedAmountLowThreshold = LOW_WATER
    channel.onmessage = ({ data }) => this.#owner.message(data as string | ArrayBuffer)
    channel.onbufferedamountlow = () => this.#wake()
    channel.onopen = () => {
      this.#wake()
      if (name === "reliable") this.#owner.opened()
    }
    return channel
  }

  async #sendWhenOpen(name: ChannelName, data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    for (;;) {
      if (this.#closed) throw new DOMException("The peer left.", "InvalidStateError")
      const channel = this.#channels?.[name]
      if (channel?.readyState === "open" && channel.bufferedAmount <= HIGH_WATER) {
        if (typeof data === "string") channel.send(data)
        else channel.send(data)
        return
      }
      await this.#change.promise
    }
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

function queueFull(): TightbeamError {
  return new TightbeamError(
    "send-queue-full",
    "Too much waits to be sent already.",
    "Await each send before the next one.",
  )
}
