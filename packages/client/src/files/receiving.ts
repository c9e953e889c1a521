import type { Sink } from "./sinks.ts"
import { TransferBase } from "./transfer.ts"
import { HASH_SIZE, leafOf, rootOf, sameHash } from "./tree.ts"
import { ackMessage, CHUNK, CHUNK_END, DATA, FILE_END, type Received } from "./wire.ts"

/** Bytes that may wait to be saved before the sender is let wait. */
const MAX_BACKLOG = 4 * CHUNK

/** An offer of somebody to us. */
export class ReceivingTransfer extends TransferBase {
  readonly direction = "receiving"
  #sink: Sink | undefined
  #channel: RTCDataChannel | undefined
  /** Names what was asked for last: what still comes under another is not for us. */
  #tag = -1
  /** Where the chunk that is arriving belongs. */
  #file = 0
  #offset = 0
  #parts: Uint8Array<ArrayBuffer>[] = []
  #partial = 0
  /** All that is verified and saved: where it is gone on after a break. */
  readonly #saved = { file: 0, offset: 0 }
  #leaves: Uint8Array[] = []
  #opened = false
  /** One thing is saved after the other; what waits for it, bytes. */
  #work: Promise<void> = Promise.resolve()
  #backlog = 0
  #received = 0

  /** Takes the offer: what arrives goes into the sink. */
  accept(sink: Sink): void {
    if (this.status !== "offered") return
    this.#sink = sink
    this.become("waiting")
    this.host.attend()
  }

  /** Turns the offer down; both ends see that it was. */
  decline(): void {
    if (this.status !== "offered") return
    this.host.say(this.peer, { type: "decline", offer: this.id })
    this.become("declined")
  }

  /** There is a way: asks for what is missing, once what has arrived is saved. */
  resume(channel: RTCDataChannel): void {
    if (channel === this.#channel) return
    this.#channel = channel
    void this.#work.then(() => this.live && channel === this.#channel && this.#ask())
  }

  #ask(): void {
    this.#tag = this.host.newTag()
    this.#received = 0
    this.#backlog = 0
    this.#parts = []
    this.#partial = 0
    const { file, offset } = this.#saved
    this.#file = file
    this.#offset = offset
    this.host.say(this.peer, { type: "go", offer: this.id, tag: this.#tag, file, offset })
    this.become("running")
  }

  /** The way is broken. */
  interrupted(): void {
    this.#channel = undefined
    this.#tag = -1
    if (this.status === "running") this.become("waiting")
  }

  /** Takes what is for this transfer. */
  take({ tag, records }: Received, bytes: number): void {
    if (tag !== this.#tag || this.status !== "running") return
    for (const { kind, payload } of records) {
      if (kind === DATA) this.#data(payload)
      else if ((kind === CHUNK_END || kind === FILE_END) && payload.length === HASH_SIZE)
        this.#ends(kind, payload)
      if (this.over) return
    }
    this.#received += bytes
    this.#backlog += bytes
    const acknowledge = () => {
      // It may be closed already, and nobody have said so.
      if (tag === this.#tag && this.#channel?.readyState === "open")
        this.#channel.send(ackMessage(tag, received))
    }
    const received = this.#received
    const late = this.#backlog > MAX_BACKLOG
    if (!late) acknowledge()
    // Behind all the saving that these records asked for.
    this.#after(async () => {
      if (tag === this.#tag) this.#backlog -= bytes
      if (late) acknowledge()
    })
  }

  #data(payload: Uint8Array<ArrayBuffer>): void {
    const size = this.files[this.#file]?.size ?? 0
    this.#partial += payload.length
    if (this.#partial > Math.min(CHUNK, size - this.#offset)) return this.fail("corrupt")
    this.#parts.push(payload)
    this.progress(this.startOf(this.#file) + this.#offset + this.#partial)
  }

  #ends(kind: number, hash: Uint8Array): void {
    const file = this.#file
    const size = this.files[file]?.size ?? -1
    const end = this.#offset + this.#partial
    const last = kind === FILE_END
    if (last ? end !== size : this.#partial !== CHUNK || end >= size) return this.fail("corrupt")
    const chunk = concatenated(this.#parts, this.#partial)
    this.#parts = []
    this.#partial = 0
    this.#file = last ? file + 1 : file
    this.#offset = last ? 0 : end
    this.#after(() => this.#save(file, chunk, last, hash))
  }

  async #save(file: number, chunk: Uint8Array<ArrayBuffer>, last: boolean, hash: Uint8Array): Promise<void> {
    const sink = this.#sink!
    if (chunk.length > 0) this.#leaves.push(await leafOf(chunk))
    const expected = last ? await rootOf(this.#leaves) : this.#leaves.at(-1)!
    if (!sameHash(expected, hash)) return this.fail("corrupt")
    if (!this.#opened) await sink.open(this.files[file]!)
    this.#opened = !last
    if (chunk.length > 0) await sink.write(chunk)
    if (!last) {
      this.#saved.offset += CHUNK
      return
    }
    await sink.close()
    this.#leaves = []
    this.#saved.file++
    this.#saved.offset = 0
    this.filesArrived++
    this.touch()
    if (this.#saved.file < this.files.length) return
    await sink.finish()
    this.host.say(this.peer, { type: "done", offer: this.id })
    this.become("done")
  }

  #after(task: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.over ? undefined : task()))
      .catch((cause: unknown) => this.fail("not-saved", cause))
  }

  protected release(): void {
    this.#tag = -1
    void this.#work.then(() => this.#sink?.abort()).catch(() => {})
  }
}

/** A copy, so that the messages that it came in can go. */
function concatenated(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
