import { type ReadonlySignal, signal } from "@preact/signals"

/** One line of the chat. `notice`: what the page itself says, such as who came. `file`: its text is a card's id. */
export interface ChatEntry {
  readonly id: number
  readonly kind: "message" | "notice" | "file"
  /** Participant id, or "self". */
  readonly from: string
  readonly name: string
  readonly text: string
  /** Date.now() of its arrival here. */
  readonly at: number
  readonly failed: boolean
}

/** Longer texts are cut before they are sent, and when they arrive: characters. */
export const TEXT_MAX = 4_000

/** The oldest entries go when there are more. */
const ENTRIES_MAX = 500

/** The chat of one call, in memory only: when the call is over it is gone. */
export class ChatStore {
  readonly #entries = signal<readonly ChatEntry[]>([])
  readonly #unread = signal(0)
  #open = false
  #nextId = 0

  get entries(): ReadonlySignal<readonly ChatEntry[]> {
    return this.#entries
  }

  /** Messages that arrived while the chat was not open. */
  get unread(): ReadonlySignal<number> {
    return this.#unread
  }

  setOpen(open: boolean): void {
    this.#open = open
    if (open) this.#unread.value = 0
  }

  add(kind: ChatEntry["kind"], from: string, name: string, text: string): number {
    const entry = { id: this.#nextId++, kind, from, name, text, at: Date.now(), failed: false }
    this.#entries.value = [...this.#entries.value, entry].slice(-ENTRIES_MAX)
    if (kind !== "notice" && from !== "self" && !this.#open) this.#unread.value++
    return entry.id
  }

  /** The message could not be sent. */
  fail(id: number): void {
    this.#entries.value = this.#entries.value.map(entry =>
      entry.id === id ? { ...entry, failed: true } : entry,
    )
  }
}

/** The text of a chat message from a stranger; undefined where it is none. */
export function chatText(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null || !("text" in data)) return undefined
  const { text } = data
  return typeof text === "string" && text.trim() !== "" ? text.slice(0, TEXT_MAX) : undefined
}
