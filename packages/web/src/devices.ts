import { batch, type Signal, signal } from "@preact/signals"
import {
  type DeviceKind,
  type DeviceProblem,
  describeProblem,
  type ProblemKind,
  problemKind,
} from "./device-problems.ts"
import { recall, remember } from "./memory.ts"

export interface DeviceOption {
  readonly id: string
  readonly label: string
}

/** The part of navigator.mediaDevices that the lobby needs; undefined where the page is not secure. */
export type MediaSource = Pick<MediaDevices, "getUserMedia" | "enumerateDevices"> & EventTarget

/** One kind of device: the ones there are, the one in use, and why there is none. */
export interface DeviceChoice {
  readonly options: Signal<readonly DeviceOption[]>
  readonly chosen: Signal<string>
  readonly track: Signal<MediaStreamTrack | undefined>
  readonly on: Signal<boolean>
  readonly problem: Signal<ProblemKind | undefined>
  /** Plugged in since the page opened. */
  readonly arrived: Signal<DeviceOption | undefined>
}

const CONSTRAINTS = {
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
  microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
} as const

const INPUT: Readonly<Record<DeviceKind, MediaDeviceKind>> = {
  camera: "videoinput",
  microphone: "audioinput",
}

/** The camera and the microphone before the call: asked for, previewed, chosen, and then handed to the room. */
export class Devices {
  readonly camera: DeviceChoice
  readonly microphone: DeviceChoice
  /** `asking`: the browser shows its question. */
  readonly status: Signal<"idle" | "asking" | "ready"> = signal<"idle" | "asking" | "ready">("idle")
  readonly #media: MediaSource | undefined
  #started: Promise<void> = Promise.resolve()
  #stopped = false
  readonly #changed = (): void => void this.#list(true)

  constructor(media: MediaSource | undefined) {
    const memory = recall()
    this.#media = media
    this.camera = choice(memory.cameraId, memory.cameraOn)
    this.microphone = choice(memory.microphoneId, memory.microphoneOn)
  }

  /** Asks for both at once, so that the browser asks once; for each by itself where that fails. */
  start(): Promise<void> {
    this.#stopped = false
    this.#started = this.#start()
    return this.#started
  }

  /** Once the browser has given what was asked for, or refused it. */
  get started(): Promise<void> {
    return this.#started
  }

  async #start(): Promise<void> {
    if (this.#media === undefined) {
      this.#fail(["camera", "microphone"], "insecure")
      this.status.value = "ready"
      return
    }
    this.status.value = "asking"
    this.#media.addEventListener("devicechange", this.#changed)
    await this.#list(false)
    const wanted = (["camera", "microphone"] as const).filter(kind => {
      const there = this[kind].options.value.length > 0
      if (!there) this[kind].problem.value = "not-found"
      return there && (kind === "microphone" || this.camera.on.value)
    })
    await this.#openAll(wanted)
    await this.#list(false)
    this.status.value = "ready"
  }

  /** Switches to a device by its id. */
  async choose(kind: DeviceKind, id: string): Promise<void> {
    const choice = this[kind]
    choice.chosen.value = id
    choice.arrived.value = undefined
    remember(kind === "camera" ? { cameraId: id } : { microphoneId: id })
    if (kind === "camera" && !choice.on.value) this.#setOn("camera", true)
    await this.#open([kind], true)
  }

  /** A camera that is off is let go, so that its light goes out; a microphone stays open, muted. */
  async setOn(kind: DeviceKind, on: boolean): Promise<void> {
    this.#setOn(kind, on)
    if (kind === "microphone") {
      if (this.microphone.track.value) this.microphone.track.value.enabled = on
      else if (on) await this.#open([kind], false)
    } else if (!on) this.#close("camera")
    else if (!this.camera.track.value) await this.#open([kind], false)
  }

  /** After the person has changed something: asks again for what is missing. */
  async retry(): Promise<void> {
    if (this.#media === undefined) return
    this.status.value = "asking"
    const missing = (["camera", "microphone"] as const).filter(
      kind => this[kind].track.value === undefined && (kind === "microphone" || this.camera.on.value),
    )
    await this.#openAll(missing)
    await this.#list(false)
    this.status.value = "ready"
  }

  /** Gives the tracks away: they are the room's from now on. */
  handOver(): { camera: MediaStreamTrack | undefined; microphone: MediaStreamTrack | undefined } {
    const tracks = { camera: this.camera.track.value, microphone: this.microphone.track.value }
    batch(() => {
      this.camera.track.value = undefined
      this.microphone.track.value = undefined
    })
    this.#media?.removeEventListener("devicechange", this.#changed)
    return tracks
  }

  stop(): void {
    this.#stopped = true
    for (const track of Object.values(this.handOver())) track?.stop()
  }

  async #openAll(kinds: readonly DeviceKind[]): Promise<void> {
    if (kinds.length === 0 || (await this.#open(kinds, false)) || kinds.length === 1) return
    for (const kind of kinds) if (!(await this.#isDenied(kind, kinds))) await this.#open([kind], false)
  }

  /** Whether asking for one alone would only show the same question, or the same refusal, again. */
  async #isDenied(kind: DeviceKind, kinds: readonly DeviceKind[]): Promise<boolean> {
    if (!kinds.some(kind => this[kind].problem.value === "denied")) return false
    try {
      const { state } = await navigator.permissions.query({ name: kind })
      if (state === "granted") return false
    } catch {
      // Not every browser tells.
    }
    return true
  }

  async #open(kinds: readonly DeviceKind[], exact: boolean): Promise<boolean> {
    if (this.#media === undefined) return false
    for (const kind of kinds) this.#close(kind)
    try {
      const stream = await this.#media.getUserMedia({
        ...(kinds.includes("camera") && { video: this.#constraints("camera", exact) }),
        ...(kinds.includes("microphone") && { audio: this.#constraints("microphone", exact) }),
      })
      for (const track of stream.getTracks())
        this.#opened(track.kind === "video" ? "camera" : "microphone", track)
      return true
    } catch (error) {
      this.#fail(kinds, problemKind(error))
      return false
    }
  }

  #constraints(kind: DeviceKind, exact: boolean): MediaTrackConstraints {
    const id = this[kind].chosen.value
    return { ...CONSTRAINTS[kind], ...(id && { deviceId: exact ? { exact: id } : { ideal: id } }) }
  }

  #opened(kind: DeviceKind, track: MediaStreamTrack): void {
    if (this.#stopped || (kind === "camera" && !this.camera.on.value)) {
      track.stop()
      return
    }
    if (kind === "microphone") track.enabled = this.microphone.on.value
    track.addEventListener("ended", () => {
      if (this[kind].track.value !== track) return
      this[kind].track.value = undefined
      this[kind].problem.value = "not-found"
    })
    batch(() => {
      this[kind].problem.value = undefined
      this[kind].track.value = track
      this[kind].chosen.value = track.getSettings().deviceId ?? this[kind].chosen.value
    })
  }

  #close(kind: DeviceKind): void {
    const { track } = this[kind]
    const old = track.value
    track.value = undefined
    old?.stop()
  }

  #setOn(kind: DeviceKind, on: boolean): void {
    this[kind].on.value = on
    remember(kind === "camera" ? { cameraOn: on } : { microphoneOn: on })
  }

  #fail(kinds: readonly DeviceKind[], problem: ProblemKind): void {
    batch(() => {
      for (const kind of kinds) this[kind].problem.value = problem
    })
  }

  /** Reads which devices there are; `plugged`: because one came or went. */
  async #list(plugged: boolean): Promise<void> {
    if (this.#media === undefined) return
    const devices = await this.#media.enumerateDevices().catch(() => [])
    for (const kind of ["camera", "microphone"] as const) {
      const { options, arrived, problem, track } = this[kind]
      const known = new Set(options.value.map(({ id }) => id))
      const found = devices
        .filter(device => device.kind === INPUT[kind])
        .map((device, i) => ({ id: device.deviceId, label: device.label || `${NAMES[kind]} ${i + 1}` }))
      options.value = found
      if (!plugged) continue
      const fresh = found.find(({ id }) => id !== "" && id !== "default" && !known.has(id))
      if (fresh && track.value) arrived.value = fresh
      else if (!found.some(({ id }) => id === arrived.value?.id)) arrived.value = undefined
      if (
        found.length > 0 &&
        problem.value === "not-found" &&
        (kind === "microphone" || this.camera.on.value)
      )
        await this.#open([kind], false)
    }
  }
}

const NAMES: Readonly<Record<DeviceKind, string>> = { camera: "Camera", microphone: "Microphone" }

function choice(chosen: string, on: boolean): DeviceChoice {
  return {
    options: signal<readonly DeviceOption[]>([]),
    chosen: signal(chosen),
    track: signal<MediaStreamTrack | undefined>(undefined),
    on: signal(on),
    problem: signal<ProblemKind | undefined>(undefined),
    arrived: signal<DeviceOption | undefined>(undefined),
  }
}

/** The problems as the lobby tells them: one text where both have the same. */
export function problemsOf(devices: Devices, href: string): readonly DeviceProblem[] {
  const camera = devices.camera.on.value ? devices.camera.problem.value : undefined
  const microphone = devices.microphone.problem.value
  if (camera !== undefined && camera === microphone)
    return [describeProblem(camera, ["camera", "microphone"], href)]
  return [
    ...(camera === undefined ? [] : [describeProblem(camera, ["camera"], href)]),
    ...(microphone === undefined ? [] : [describeProblem(microphone, ["microphone"], href)]),
  ]
}
