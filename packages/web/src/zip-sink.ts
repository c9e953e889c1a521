import type { FileDescription, Sink } from "@tightbeam/client/files"
import { makeZip } from "client-zip"

/** Bytes that are written at once: each write costs the same, and an archive of small files comes in crumbs. */
const GATHERED = 1024 * 1024

interface Entry {
  readonly name: string
  readonly lastModified: number
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>
}

/** Many files as one: an archive that is written as they come. */
export class ZipSink implements Sink {
  readonly #into: Sink
  readonly #entries = new TransformStream<Entry, Entry>()
  readonly #writer: WritableStreamDefaultWriter<Entry> = this.#entries.writable.getWriter()
  #file: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined
  #written: Promise<void> | undefined
  #parts: Uint8Array<ArrayBuffer>[] = []
  #gathered = 0

  constructor(into: Sink) {
    this.#into = into
  }

  async open({ path, modified }: FileDescription): Promise<void> {
    this.#written ??= this.#write()
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>()
    this.#file = writable.getWriter()
    await this.#unlessBroken(this.#writer.write({ name: path, lastModified: modified, input: readable }))
  }

  write(part: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#unlessBroken(this.#file!.write(part))
  }

  close(): Promise<void> {
    return this.#unlessBroken(this.#file!.close())
  }

  async finish(): Promise<void> {
    await this.#unlessBroken(this.#writer.close())
    await this.#written
    await this.#into.close()
    await this.#into.finish()
  }

  async abort(): Promise<void> {
    await Promise.allSettled([this.#file?.abort(), this.#writer.abort(), this.#into.abort()])
  }

  async #write(): Promise<void> {
    await this.#into.open({ path: "files.zip", size: 0, modified: Date.now() })
    const zip = makeZip(this.#entries.readable) as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>
    for await (const part of zip) await this.#gather(part)
    await this.#flush()
  }

  async #gather(part: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts.push(part)
    this.#gathered += part.length
    if (this.#gathered >= GATHERED) await this.#flush()
  }

  async #flush(): Promise<void> {
    const parts = this.#parts.splice(0)
    this.#gathered = 0
    if (parts.length > 0) await this.#into.write(new Uint8Array(await new Blob(parts).arrayBuffer()))
  }

  /** What waits for the archive to take more would wait for ever once that cannot be written. */
  async #unlessBroken(step: Promise<void>): Promise<void> {
    await Promise.race([step, this.#written!.then(() => step)])
  }
}
