import type { Address } from "@tightbeam/webrtc/bytes"
import type { TcpConnection } from "./tcp-connection.ts"

/** What one end of a stream is told. */
export interface StreamHandlers {
  opened?(): void
  message?(text: string): void
  /** Told once, at each end: after `close` at either, after a `cut`, or as TCP ends. */
  closed?(why: string): void
}

const HEADER = 5
const MESSAGE = 0
const CLOSE = 1

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * One end of a stream of whole messages on TCP: a WebSocket as far as the machines above can tell. When it breaks, what
 * is under way is lost.
 */
export class Stream {
  handlers: StreamHandlers = {}
  readonly #connection: TcpConnection
  #received: Uint8Array = new Uint8Array(0)
  #open = true

  constructor(connection: TcpConnection) {
    this.#connection = connection
    connection.handlers = {
      ...connection.handlers,
      data: bytes => this.#read(bytes),
      closed: why => this.#end(why),
    }
  }

  get remote(): Address {
    return this.#connection.remote
  }

  get isOpen(): boolean {
    return this.#open
  }

  send(text: string): void {
    if (this.#open) this.#write(MESSAGE, text)
  }

  /** Closes in order: what was sent before arrives first, and then `why`. */
  close(why = "closed"): void {
    if (!this.#open) return
    this.#write(CLOSE, why)
    this.#end(why)
    this.#connection.close()
  }

  /** Breaks it: what is under way is lost, and the far end learns of it only after `noticed` ms. */
  cut(noticed: number): void {
    this.#connection.sever(noticed)
  }

  #write(type: number, text: string): void {
    const encoded = encoder.encode(text)
    const frame = new Uint8Array(HEADER + encoded.length)
    frame[0] = type
    new DataView(frame.buffer).setUint32(1, encoded.length)
    frame.set(encoded, HEADER)
    this.#connection.send(frame)
  }

  #read(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#received.length + bytes.length)
    all.set(this.#received)
    all.set(bytes, this.#received.length)
    const view = new DataView(all.buffer)
    let at = 0
    while (this.#open && all.length - at >= HEADER) {
      const end = at + HEADER + view.getUint32(at + 1)
      if (end > all.length) break
      const text = decoder.decode(all.subarray(at + HEADER, end))
      if (all[at] === MESSAGE) this.handlers.message?.(text)
      else {
        this.#end(text)
        this.#connection.close()
      }
      at = end
    }
    this.#received = all.subarray(at)
  }

  #end(why: string): void {
    if (!this.#open) return
    this.#open = false
    this.handlers.closed?.(why)
  }
}
