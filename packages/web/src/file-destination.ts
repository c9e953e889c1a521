import { FileSink, FolderSink, fileName, MemorySink, type Sink, type Transfer } from "@tightbeam/client/files"
import { ZipSink } from "./zip-sink.ts"

/** Where something that arrived is. */
export interface Kept {
  /** To save it from, where the browser did not let the person choose a place before. */
  readonly link: { readonly url: string; readonly name: string } | undefined
  /** Nobody needs it any more. */
  forget(): void
}

interface Destination {
  readonly sink: Sink
  readonly kept: Kept
}

interface Pickers {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>
  showDirectoryPicker?(options: { mode: "readwrite" }): Promise<FileSystemDirectoryHandle>
}

/**
 * The best place that the browser has: a file or folder that the person chooses; else the page's own share of the
 * disk, and a link to save it from; else memory. `undefined` when the person chose none.
 */
export async function chooseDestination(transfer: Transfer): Promise<Destination | undefined> {
  const pickers = globalThis as Pickers
  const [first] = transfer.files
  const single = transfer.files.length === 1
  try {
    if (single && pickers.showSaveFilePicker)
      return chosen(new FileSink(await pickers.showSaveFilePicker({ suggestedName: fileName(first!.path) })))
    if (!single && pickers.showDirectoryPicker)
      return chosen(new FolderSink(await pickers.showDirectoryPicker({ mode: "readwrite" })))
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined
    throw error
  }
  const name = single ? fileName(first!.path) : "files.zip"
  const handle = await ownFile(transfer.id)
  if (handle !== undefined)
    return linked(single ? new FileSink(handle) : new ZipSink(new FileSink(handle)), name, () =>
      handle.getFile(),
    )
  const memory = new MemorySink(transfer.size)
  return linked(single ? memory : new ZipSink(memory), name, async () => memory.files[0]!)
}

const chosen = (sink: Sink): Destination => ({ sink, kept: { link: undefined, forget: () => {} } })

/** A link to what has arrived, made when all has. */
function linked(sink: Sink, name: string, file: () => Promise<Blob>): Destination {
  let link: Kept["link"]
  const finish = sink.finish.bind(sink)
  sink.finish = async () => {
    await finish()
    link = { url: URL.createObjectURL(await file()), name }
  }
  const kept: Kept = {
    get link() {
      return link
    },
    forget: () => {
      if (link !== undefined) URL.revokeObjectURL(link.url)
    },
  }
  return { sink, kept }
}

/** The page's own files, in a folder that is gone once no page uses it any more. */
const FOLDER = "tightbeam-files-"

let folder: Promise<FileSystemDirectoryHandle | undefined> | undefined

/** In the origin's private file system; `undefined` where it cannot be written to in parts. */
async function ownFile(name: string): Promise<FileSystemFileHandle | undefined> {
  folder ??= ownFolder().catch(() => undefined)
  return (await folder)?.getFileHandle(name, { create: true })
}

async function ownFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  if (!("createWritable" in FileSystemFileHandle.prototype)) return undefined
  const root = await navigator.storage.getDirectory()
  const name = FOLDER + crypto.randomUUID()
  // Held for as long as the page lives: that is how others know that it does.
  void navigator.locks.request(name, () => new Promise(() => {}))
  const { held = [] } = await navigator.locks.query()
  const used = new Set(held.map(lock => lock.name))
  for await (const other of (root as unknown as { keys(): AsyncIterable<string> }).keys())
    if (other.startsWith(FOLDER) && !used.has(other)) await root.removeEntry(other, { recursive: true })
  return root.getDirectoryHandle(name, { create: true })
}
