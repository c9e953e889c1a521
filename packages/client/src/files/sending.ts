import { type FileDescription, TransferBase, type TransferHost } from "./transfer.ts"
import { leafOf, rootOf, sameHash } from "./tree.ts"
import { Window } from "./window.ts"
import { CHUNK, CHUNK_END, type Control, DATA, FILE_END, MESSAGE_SIZE, MessageWriter } from "./wire.ts"

/** Bytes that may wait in the channel: what waits there cannot give way to the call. */
const MAX_BUFFERED = 2 * MESSAGE_SIZE

/** Pieces, and bytes of them, that are read ahead. */
const PIECES_AHEAD = 32
const BYTES_AHEAD = 4 * CHUNK

/** A chunk of a file, or all of a small one. */
interface Piece {
  readonly file: number
  readonly chunk: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly leaf: Uint8Array<ArrayBuffer> | undefined
}

/** What all receivers of an offer are sent: the files, and the leaves of them that were computed so far. */
export class Content {
  readonly files: readonly File[]
  readonly #leaves: (Uint8Array | undefined)[][] = []

  constructor(files: readonly File[]) {
    this.files = files
  }

  async read(file: number, chunk: number): Promise<Piece> {
    const start = chunk * CHUNK
    const blob = this.files[file]!
    const bytes = new Uint8Array(await blob.slice(start, start + CHUNK).arrayBuffer())
    if (bytes.length !== Math.min(CHUNK, blob.size - start))
      throw new Error("The file is shorter than it was.")
    const leaf = bytes.length === 0 ? undefined : await leafOf(bytes)
    const leaves = (this.#leaves[file] ??= [])
    const before = leaves[chunk]
    if (leaf !== undefined && before !== undefined && !sameHash(leaf, before))
      throw new Error("The file is not what it was.")
    if (leaf !== undefined) leaves[chunk] = leaf
    return { file, chunk, bytes, leaf }
  }

  /** Of what was sent in another run, it may have to be read again. */
  async root(file: number): Promise<Uint8Array> {
    const leaves = this.#leaves[file]!
    const chunks = Math.ceil(this.files[file]!.size / CHUNK)
    for (let chunk = 0; chunk < chunks; chunk++) if (leaves[chunk] === undefined) await this.read(file, chunk)
    return rootOf(leaves as Uint8Array[])
  }

  /** Everything from a chunk of a file on, in order, read ahead of its use. */
  async *from(file: number, chunk: number): AsyncGenerator<Piece> {
    const ahead: Promise<Piece>[] = []
    let bytes = 0
    let [nextFile, nextChunk] = [file, chunk]
    const fill = () => {
      while (nextFile < this.files.length && ahead.length < PIECES_AHEAD && bytes < BYTES_AHEAD) {
        const { size } = this.files[nextFile]!
        const piece = this.read(nextFile, nextChunk)
        // It is awaited in its turn; nobody may be there any more by then.
        piece.catch(() => {})
        ahead.push(piece)
        bytes += Math.min(CHUNK, size - nextChunk * CHUNK)
        if (++nextChunk * CHUNK >= size) {
          nextFile++
          nextChunk = 0
        }
      }
    }
    for (fill(); ahead.length > 0; fill()) {
      const piece = await ahead.shift()!
      bytes -= piece.bytes.length
      yield piece
    }
  }
}

type Wanted = Pick<Extract<Control, { type: "go" }>, "tag" | "file" | "offset">

/** One offer to one participant. */
export class SendingTransfer extends TransferBase {
  readonly direction = "sending"
  readonly #content: Content
  /** What the receiver asked for, until there is a channel for it. */
  #wanted: Wanted | undefined
  #run: Run | undefined

  constructor(
    host: TransferHost,
    id: string,
    peer: string,
    files: readonly FileDescription[],
    content: Content,
  ) {
    super(host, id, peer, files)
    this.#content = content
  }

  /** The receiver asks for it. */
  accepted(from: Wanted): void {
    const size = this.files[from.file]?.size
    const { offset } = from
    if (this.over || size === undefined || offset % CHUNK !== 0 || (offset > 0 && offset >= size)) return
    this.release()
    this.#wanted = from
    this.become("waiting")
  }

  resume(channel: RTCDataChannel): void {
    if (this.#wanted === undefined) return
    const { tag, file, offset } = this.#wanted
    this.#wanted = undefined
    const before = this.startOf(file) + offset
    const run = new Run(channel, tag, this.host, payload => {
      if (run === this.#run) this.#count(before + payload)
    })
    this.#run = run
    this.become("running")
    this.#count(before)
    run.send(this.#content, file, offset / CHUNK).catch((cause: unknown) => {
      if (run === this.#run && run.going) this.fail("unreadable", cause)
    })
  }

  acknowledged(tag: number, received: number): void {
    if (tag === this.#run?.tag) this.#run.acknowledged(received)
  }

  /** Room in its channel. */
  wake(): void {
    this.#run?.wake()
  }

  /** The receiver asks again when it mends. */
  interrupted(): void {
    this.release()
    if (this.status === "running") this.become("waiting")
  }

  declined(): void {
    this.become("declined")
    this.release()
  }

  done(): void {
    this.filesArrived = this.files.length
    this.progress(this.size)
    this.become("done")
    this.release()
  }

  protected release(): void {
    this.#run?.stop()
    this.#run = undefined
  }

  #count(arrived: number): void {
    while (this.filesArrived < this.files.length) {
      if (this.startOf(this.filesArrived + 1) > arrived) break
      this.filesArrived++
    }
    this.progress(arrived)
  }
}

/** What is sent under one tag. */
class Run {
  readonly tag: number
  readonly #channel: RTCDataChannel
  readonly #host: TransferHost
  readonly #arrived: (payload: number) => void
  readonly #window = new Window()
  readonly #writer: MessageWriter
  /** Of each message under way: where it ends, and how many bytes of files there are up to there. */
  readonly #marks: { readonly end: number; readonly payload: number }[] = []
  #sent = 0
  #payload = 0
  #stopped = false
  #change = Promise.withResolvers<void>()

  constructor(channel: RTCDataChannel, tag: number, host: TransferHost, arrived: (payload: number) => void) {
    this.#channel = channel
    this.tag = tag
    this.#host = host
    this.#arrived = arrived
    this.#writer = new MessageWriter(tag)
  }

  get going(): boolean {
    return !this.#stopped && this.#channel.readyState === "open"
  }

  stop(): void {
    this.#stopped = true
    this.wake()
  }

  wake(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  acknowledged(received: number): void {
    if (this.#window.acknowledge(received, this.#host.now()) === 0) return
    let payload: number | undefined
    while (this.#marks[0] !== undefined && this.#marks[0].end <= received)
      payload = this.#marks.shift()!.payload
    if (payload !== undefined) this.#arrived(payload)
    this.wake()
  }

  async send(content: Content, file: number, chunk: number): Promise<void> {
    for await (const piece of content.from(file, chunk)) {
      await this.#put(DATA, piece.bytes)
      const last = (piece.chunk + 1) * CHUNK >= content.files[piece.file]!.size
      if (last) await this.#put(FILE_END, await content.root(piece.file))
      else if (piece.leaf !== undefined) await this.#put(CHUNK_END, piece.leaf)
      if (!this.going) return
    }
    await this.#flush()
  }

  /** Data is split wherever a message is full; hashes stay whole. */
  async #put(kind: number, payload: Uint8Array): Promise<void> {
    let at = 0
    while (at < payload.length) {
      if (this.#writer.room <= (kind === DATA ? 0 : payload.length)) await this.#flush()
      if (!this.going) return
      const part = payload.subarray(at, at + this.#writer.room)
      this.#writer.put(kind, part)
      if (kind === DATA) this.#payload += part.length
      at += part.length
    }
  }

  async #flush(): Promise<void> {
    if (this.#writer.empty) return
    while (this.going && !(this.#window.open && this.#channel.bufferedAmount < MAX_BUFFERED))
      await this.#change.promise
    if (!this.going) return
    const message = this.#writer.take()
    this.#sent += message.length
    this.#marks.push({ end: this.#sent, payload: this.#payload })
    this.#window.sent(message.length, this.#host.now())
    this.#channel.send(message)
  }
}
