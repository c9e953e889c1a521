/** Cameras and microphones of a test, and the question that a browser asks before it gives them. */

export class FakeTrack {
  readonly kind: "audio" | "video"
  readonly deviceId: string
  enabled = true
  readyState: "live" | "ended" = "live"
  onended: (() => void) | null = null

  constructor(kind: "audio" | "video", deviceId: string = kind) {
    this.kind = kind
    this.deviceId = deviceId
  }

  stop(): void {
    this.readyState = "ended"
  }

  getSettings(): { deviceId: string } {
    return { deviceId: this.deviceId }
  }
}

export class FakeStream {
  #tracks: FakeTrack[]

  constructor(tracks: FakeTrack[] = []) {
    this.#tracks = [...tracks]
  }

  getTracks(): FakeTrack[] {
    return [...this.#tracks]
  }

  addTrack(track: FakeTrack): void {
    this.#tracks.push(track)
  }

  removeTrack(track: FakeTrack): void {
    this.#tracks = this.#tracks.filter(each => each !== track)
  }
}

export const fakeTrack = (kind: "audio" | "video", deviceId?: string): MediaStreamTrack & FakeTrack =>
  new FakeTrack(kind, deviceId) as MediaStreamTrack & FakeTrack

/** What stands in for `navigator.mediaDevices`, from its making on, in this process. */
export class FakeDevices {
  /** All that were ever opened. */
  readonly opened: FakeTrack[] = []
  /** Devices that cannot be opened. */
  readonly broken: Set<string> = new Set()
  #asking: PromiseWithResolvers<void> | undefined

  constructor() {
    const getUserMedia = (wanted: MediaStreamConstraints) => this.#open(wanted)
    Object.defineProperty(globalThis, "navigator", {
      value: { mediaDevices: { getUserMedia } },
      configurable: true,
    })
    Object.defineProperty(globalThis, "MediaStream", { value: FakeStream, configurable: true })
  }

  /** From now on the browser asks, and waits for `allow`. */
  ask(): void {
    this.#asking = Promise.withResolvers()
  }

  allow(): void {
    this.#asking?.resolve()
    this.#asking = undefined
  }

  /** Lights that are on. */
  get live(): FakeTrack[] {
    return this.opened.filter(({ readyState }) => readyState === "live")
  }

  async #open({ video, audio }: MediaStreamConstraints): Promise<FakeStream> {
    const { deviceId } = (video ?? audio) as { deviceId?: { exact: string } }
    await this.#asking?.promise
    if (deviceId !== undefined && this.broken.has(deviceId.exact))
      throw new DOMException("It does not answer.", "NotReadableError")
    const track = new FakeTrack(video === undefined ? "audio" : "video", deviceId?.exact)
    this.opened.push(track)
    return new FakeStream([track])
  }
}
