import { TightbeamError } from "../errors.ts"
import { fileName, numbered } from "./names.ts"
import type { FileDescription } from "./transfer.ts"

/** Where the files of an offer go: one after the other, each in parts that are verified already. */
export interface Sink {
  open(file: FileDescription): Promise<void>
  write(part: Uint8Array<ArrayBuffer>): Promise<void>
  /** The file is whole. */
  close(): Promise<void>
  /** All are. */
  finish(): Promise<void>
  /** The rest will not come. */
  abort(): Promise<void>
}

/** Bytes that `MemorySink` holds unless told otherwise. */
export const MEMORY_LIMIT: number = 512 * 1024 * 1024

/** Into memory: for where there is nothing else. */
export class MemorySink implements Sink {
  /** Those that are whole. */
  readonly files: File[] = []
  #file: FileDescription | undefined
  #parts: Uint8Array<ArrayBuffer>[] = []

  /** Throws a `TightbeamError` of `file-too-large` for an offer of more than `limit` bytes. */
  constructor(size: number, limit: number = MEMORY_LIMIT) {
    if (size > limit)
      throw new TightbeamError(
        "file-too-large",
        `This browser can only keep what it receives in memory: ${limit} bytes at most; these are ${size}.`,
        "Use a browser that can save to disk, or have it sent in parts.",
      )
  }

  async open(file: FileDescription): Promise<void> {
    this.#file = file
    this.#parts = []
  }

  async write(part: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#parts.push(part)
  }

  async close(): Promise<void> {
    const { path, modified } = this.#file!
    this.files.push(new File(this.#parts, fileName(path), { lastModified: modified }))
    this.#parts = []
  }

  async finish(): Promise<void> {}

  async abort(): Promise<void> {
    this.#parts = []
    this.files.length = 0
  }
}

/** Into a file that the person chose, or one of the origin's own. Takes offers of one file. */
export class FileSink implements Sink {
  readonly #handle: FileSystemFileHandle
  #stream: FileSystemWritableFileStream | undefined

  constructor(handle: FileSystemFileHandle) {
    this.#handle = handle
  }

  async open(): Promise<void> {
    this.#stream = await this.#handle.createWritable()
  }

  async write(part: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#stream!.write(part)
  }

  async close(): Promise<void> {
    await this.#stream!.close()
  }

  async finish(): Promise<void> {}

  async abort(): Promise<void> {
    await this.#stream?.abort()
  }
}

/**
 * Into a folder that the person chose, with the folders that the paths name. What is there already stays as it is: a
 * file of the same name gets a number.
 */
export class FolderSink implements Sink {
  readonly #folder: FileSystemDirectoryHandle
  readonly #folders = new Map<string, FileSystemDirectoryHandle>()
  #file: FileSink | undefined

  constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder
  }

  async open({ path }: FileDescription): Promise<void> {
    const name = fileName(path)
    const folder = await this.#folderOf(path.slice(0, -name.length - 1))
    this.#file = new FileSink(await newFile(folder, name))
    await this.#file.open()
  }

  write(part: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#file!.write(part)
  }

  close(): Promise<void> {
    return this.#file!.close()
  }

  async finish(): Promise<void> {}

  async abort(): Promise<void> {
    await this.#file?.abort()
  }

  async #folderOf(path: string): Promise<FileSystemDirectoryHandle> {
    if (path === "") return this.#folder
    const known = this.#folders.get(path)
    if (known !== undefined) return known
    const name = fileName(path)
    const parent = await this.#folderOf(path.slice(0, -name.length - 1))
    const folder = await openFolder(parent, name)
    this.#folders.set(path, folder)
    return folder
  }
}

/** The browser asks nobody before it overwrites what is in a folder that was chosen. */
async function newFile(folder: FileSystemDirectoryHandle, name: string): Promise<FileSystemFileHandle> {
  for (let n = 1; ; n++)
    try {
      await folder.getFileHandle(numbered(name, n))
    } catch (error) {
      if (nameOf(error) === "NotFoundError") return folder.getFileHandle(numbered(name, n), { create: true })
      if (nameOf(error) !== "TypeMismatchError") throw error
    }
}

/** One that is there is as good as a new one; a file of that name is none. */
async function openFolder(
  parent: FileSystemDirectoryHandle,
  name: string,
): Promise<FileSystemDirectoryHandle> {
  for (let n = 1; ; n++)
    try {
      return await parent.getDirectoryHandle(numbered(name, n), { create: true })
    } catch (error) {
      if (nameOf(error) !== "TypeMismatchError") throw error
    }
}

const nameOf = (error: unknown): string | undefined =>
  error instanceof DOMException ? error.name : undefined
