import assert from "node:assert/strict"
import { test } from "node:test"
import { FolderSink } from "./sinks.ts"

/** A folder as browsers give it, in memory: text by name, folders as maps. */
class FakeFolder {
  readonly kind = "directory"
  readonly entries = new Map<string, string | FakeFolder>()

  async getFileHandle(name: string, { create = false } = {}) {
    const { entries } = this
    const there = entries.get(name)
    if (there instanceof FakeFolder) throw new DOMException("A folder.", "TypeMismatchError")
    if (there === undefined && !create) throw new DOMException("Nothing.", "NotFoundError")
    if (there === undefined) entries.set(name, "")
    const parts: string[] = []
    return {
      createWritable: async () => ({
        write: async (part: Uint8Array) => void parts.push(new TextDecoder().decode(part)),
        close: async () => void entries.set(name, parts.join("")),
        abort: async () => {},
      }),
    }
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<FakeFolder> {
    const there = this.entries.get(name)
    if (typeof there === "string") throw new DOMException("A file.", "TypeMismatchError")
    if (there === undefined && !create) throw new DOMException("Nothing.", "NotFoundError")
    const folder = there ?? new FakeFolder()
    this.entries.set(name, folder)
    return folder
  }

  /** Path → text. */
  all(): Record<string, string> {
    const found: Record<string, string> = {}
    for (const [name, entry] of this.entries)
      if (typeof entry === "string") found[name] = entry
      else for (const [path, text] of Object.entries(entry.all())) found[`${name}/${path}`] = text
    return found
  }
}

async function save(folder: FakeFolder, files: Readonly<Record<string, string>>): Promise<void> {
  const sink = new FolderSink(folder as unknown as FileSystemDirectoryHandle)
  for (const [path, text] of Object.entries(files)) {
    await sink.open({ path, size: text.length, modified: 0 })
    await sink.write(new TextEncoder().encode(text))
    await sink.close()
  }
  await sink.finish()
}

test("what is in the chosen folder already is kept: what has the same name gets a number", async () => {
  const folder = new FakeFolder()
  folder.entries.set("taxes.txt", "mine")
  folder.entries.set("taxes (2).txt", "mine too")
  const work = new FakeFolder()
  work.entries.set("notes", "mine as well")
  folder.entries.set("work", work)
  await save(folder, { "taxes.txt": "theirs", "work/notes": "theirs", "work/plan.txt": "new" })
  assert.deepEqual(folder.all(), {
    "taxes.txt": "mine",
    "taxes (2).txt": "mine too",
    "taxes (3).txt": "theirs",
    "work/notes": "mine as well",
    "work/notes (2)": "theirs",
    "work/plan.txt": "new",
  })
})

test("a file where a folder is wanted, and a folder where a file is, do not stop it", async () => {
  const folder = new FakeFolder()
  await save(folder, { a: "file", "a/b": "in a folder", "c/d": "1", c: "2" })
  assert.deepEqual(folder.all(), { a: "file", "a (2)/b": "in a folder", "c/d": "1", "c (2)": "2" })
})
