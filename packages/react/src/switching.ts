import type { LocalPublication, Room } from "@tightbeam/client"

type Switched = "camera" | "microphone" | "screen"

/** What a switch does to the one publication of its source, whoever made it and whenever. */
export class Switching {
  readonly #room: Room
  readonly #source: Switched

  constructor(room: Room, source: Switched) {
    this.#room = room
    this.#source = source
  }

  async toggle(): Promise<void> {
    const published = this.#published
    if (published === undefined) await this.#room.publish(this.#source)
    else if (this.#source === "screen") await published.unpublish()
    else await (published.muted ? published.unmute() : published.mute())
  }

  async choose(deviceId: string): Promise<void> {
    const published = this.#published
    if (published === undefined) await this.#room.publish(this.#source, { deviceId })
    else await published.switch(deviceId)
  }

  get #published(): LocalPublication | undefined {
    const { publications } = this.#room.snapshot()
    const view = publications.find(({ source }) => source === this.#source)
    return view && this.#room.publication(view.id)
  }
}
