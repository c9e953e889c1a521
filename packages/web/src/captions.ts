import { type ReadonlySignal, type Signal, signal } from "@preact/signals"

/** What somebody is saying, as the message `{ text, final }` of the topic `captions` tells it. */
export interface Caption {
  readonly from: string
  readonly name: string
  readonly text: string
  /** The sentence is over: what comes next begins a new one. */
  readonly final: boolean
  /** ms on the clock that `hear` is given. */
  readonly at: number
}

/** Of a long sentence the end is shown, characters. */
export const CAPTION_LENGTH = 240

/** Lines shown at once. */
export const CAPTION_LINES = 3

/** How long a line stays after its last word, ms. */
export const CAPTION_STAYS = 7_000

/** The latest of what is said, in writing: what a speech service, or a person who types along, sends to the room. */
export class Captions {
  readonly #lines: Signal<readonly Caption[]> = signal<readonly Caption[]>([])

  get lines(): ReadonlySignal<readonly Caption[]> {
    return this.#lines
  }

  /** `data` comes from somebody else, of any shape. A sentence that is not over is replaced by its next version. */
  hear(from: string, name: string, data: unknown, now: number): void {
    const said = captionOf(data)
    if (said === undefined) return
    const kept = this.#lines.value.filter(line => line.from !== from || line.final)
    const line = { from, name, text: said.text.slice(-CAPTION_LENGTH), final: said.final, at: now }
    this.#lines.value = [...kept, line].slice(-CAPTION_LINES)
    this.forget(now)
  }

  /** Takes away what has been read. */
  forget(now: number): void {
    const fresh = this.#lines.value.filter(({ at }) => now - at < CAPTION_STAYS)
    if (fresh.length < this.#lines.value.length) this.#lines.value = fresh
  }
}

function captionOf(data: unknown): { text: string; final: boolean } | undefined {
  if (typeof data !== "object" || data === null || !("text" in data)) return undefined
  const { text } = data
  const final = "final" in data && data.final === true
  return typeof text === "string" && text.trim() !== "" ? { text: text.trim(), final } : undefined
}
