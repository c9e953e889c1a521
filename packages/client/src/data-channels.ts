/** The data channels of every connection: negotiated, so that they are there without asking. */
const CHANNELS: Readonly<Record<ChannelName, RTCDataChannelInit>> = {
  reliable: { negotiated: true, id: 0 },
  fast: { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 },
}

export type ChannelName = "reliable" | "fast"

/** Bytes that wait in a channel before `send` waits too, and how few it then waits for. */
const HIGH_WATER = 1024 * 1024
const LOW_WATER = 256 * 1024

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
  }

  /** Resolves when the data is handed over and there is room for more. Rejects once `close` was called. */
  send(name: ChannelName, data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    const sent = this.#last[name].then(() => this.#sendWhenOpen(name, data))
    this.#last[name] = sent.catch(() => {})
    return sent
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

  #wake(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }
}
