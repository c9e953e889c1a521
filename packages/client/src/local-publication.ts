import { capture } from "./devices.ts"
import { TightbeamError } from "./errors.ts"
import type { Publication, Source } from "./messages.ts"
import type { LocalPublicationView } from "./snapshot.ts"

interface Owner {
  /** Its track, its mute state or both are others now. */
  changed(publication: LocalPublication): void
  unpublished(publication: LocalPublication): void
}

/** Something that we send to the room. Its id stays, whatever connections and tracks carry it. */
export class LocalPublication {
  readonly id: string
  readonly kind: "audio" | "video"
  readonly source: Source
  /** What groups it with others of the same source, for lip sync. */
  readonly stream: MediaStream
  readonly #owner: Owner
  #track: MediaStreamTrack
  #muted = false
  /** What was asked for last: an `unmute` may be under way. */
  #wantsMuted = false
  #unmuting: Promise<void> | undefined
  #switches = 0
  #published = true
  #deviceId: string | undefined

  constructor(id: string, source: Source, track: MediaStreamTrack, stream: MediaStream, owner: Owner) {
    this.id = id
    this.kind = track.kind === "audio" ? "audio" : "video"
    this.source = source
    this.stream = stream
    this.#owner = owner
    this.#track = track
    this.#deviceId = track.getSettings().deviceId
    this.#watch(track)
  }

  /** What it captures: another one after `switch`, and after a camera was off. */
  get track(): MediaStreamTrack {
    return this.#track
  }

  get muted(): boolean {
    return this.#muted
  }

  /** What goes over the wire now: nothing while a camera is off. */
  get sent(): MediaStreamTrack | undefined {
    return this.#muted && this.#ownsCamera ? undefined : this.#track
  }

  /** Stops sending. A camera is turned off, light and all; a microphone is only silenced, to be back at once. */
  async mute(): Promise<void> {
    this.#wantsMuted = true
    if (this.#muted || !this.#published) return
    this.#muted = true
    this.#track.enabled = false
    if (this.#ownsCamera) this.#track.stop()
    this.#owner.changed(this)
  }

  /** Sends again. Throws a `TightbeamError` when the camera cannot be had again; it then stays muted. */
  unmute(): Promise<void> {
    this.#wantsMuted = false
    this.#unmuting ??= this.#unmute().finally(() => {
      this.#unmuting = undefined
    })
    return this.#unmuting
  }

  async #unmute(): Promise<void> {
    if (!this.#muted || !this.#published) return
    if (this.#ownsCamera) {
      const track = await capture("camera", { deviceId: this.#deviceId })
      // The browser may have asked for long: what it gives may be unwanted by now.
      if (!this.#published || this.#wantsMuted) return track.stop()
      this.#replace(track)
    }
    this.#muted = false
    this.#track.enabled = true
    this.#owner.changed(this)
  }

  /**
   * Goes on with another camera or microphone; of several calls the last one counts. Throws a `TightbeamError` when
   * it cannot be opened; the old one goes on.
   */
  async switch(deviceId: string): Promise<void> {
    const { source } = this
    if (source !== "camera" && source !== "microphone")
      throw new TightbeamError(
        "not-supported",
        `A ${source} publication has no device to switch.`,
        "Unpublish it, and publish another.",
      )
    const turn = ++this.#switches
    if (this.#unmuting !== undefined) await this.#unmuting.catch(() => {})
    if (!this.#published || turn !== this.#switches) return
    if (!(this.#muted && this.#ownsCamera)) {
      const track = await capture(source, { deviceId })
      if (!this.#published || turn !== this.#switches) return track.stop()
      track.enabled = !this.#muted
      this.#replace(track)
      if (this.#muted && this.#ownsCamera) track.stop()
      this.#owner.changed(this)
    }
    this.#deviceId = deviceId
  }

  /** Ends it; what we captured for it is released. */
  async unpublish(): Promise<void> {
    if (!this.#published) return
    this.#published = false
    this.#track.onended = null
    if (this.source !== "custom") this.#track.stop()
    this.#owner.unpublished(this)
  }

  describe(): Publication {
    const { id, kind, source, muted } = this
    return { id, kind, source, muted }
  }

  view(): LocalPublicationView {
    return { ...this.describe(), track: this.#track }
  }

  get #ownsCamera(): boolean {
    return this.source === "camera"
  }

  #replace(track: MediaStreamTrack): void {
    this.#track.onended = null
    this.#track.stop()
    this.stream.removeTrack(this.#track)
    this.stream.addTrack(track)
    this.#track = track
    this.#watch(track)
  }

  /** Unplugged, or ended from the browser's own bar. */
  #watch(track: MediaStreamTrack): void {
    track.onended = () => void this.unpublish()
  }
}
