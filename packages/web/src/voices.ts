import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals"
import type { RoomSnapshot } from "@tightbeam/client"
import { EMPTY_FLOOR, passFloor } from "./floor.ts"
import { hear } from "./loudness.ts"
import { listen, SILENT, type Voice } from "./speaking.ts"

/** The voices of the others: who speaks now, and who of them has the floor. */
export class Voices {
  readonly #speaking: Signal<ReadonlySet<string>> = signal<ReadonlySet<string>>(new Set())
  readonly #floor: Signal<string | undefined> = signal<string | undefined>(undefined)
  readonly #ears = new Map<MediaStreamTrack, () => void>()
  readonly #hear: typeof hear
  readonly #stop: () => void
  #held = EMPTY_FLOOR

  constructor(room: ReadonlySignal<RoomSnapshot>, listenTo: typeof hear = hear) {
    this.#hear = listenTo
    this.#stop = effect(() => this.#attend(room.value))
  }

  get speaking(): ReadonlySignal<ReadonlySet<string>> {
    return this.#speaking
  }

  /** Who has the floor, as `passFloor` gives it on. */
  get floor(): ReadonlySignal<string | undefined> {
    return this.#floor
  }

  stop(): void {
    this.#stop()
    for (const deafen of this.#ears.values()) deafen()
    this.#ears.clear()
  }

  #attend({ participants }: RoomSnapshot): void {
    const heard = new Map<MediaStreamTrack, string>()
    for (const { id, publications } of participants)
      for (const { source, track, muted } of publications)
        if (source === "microphone" && track && !muted) heard.set(track, id)
    for (const [track, deafen] of this.#ears)
      if (!heard.has(track)) {
        this.#ears.delete(track)
        deafen()
      }
    for (const [track, id] of heard)
      if (!this.#ears.has(track)) this.#ears.set(track, this.#listen(track, id))
  }

  #listen(track: MediaStreamTrack, id: string): () => void {
    let voice: Voice = SILENT
    const deafen = this.#hear(track, (loudness, now) => {
      const spoke = voice.speaking
      voice = listen(voice, loudness, now)
      if (voice.speaking !== spoke) this.#say(id, voice.speaking)
      this.#pass(now)
    })
    return () => {
      deafen()
      if (voice.speaking) this.#say(id, false)
    }
  }

  #say(id: string, speaks: boolean): void {
    const others = [...this.#speaking.peek()].filter(other => other !== id)
    this.#speaking.value = new Set(speaks ? [...others, id] : others)
  }

  #pass(now: number): void {
    this.#held = passFloor(this.#held, this.#speaking.peek(), now)
    this.#floor.value = this.#held.holder
  }
}
