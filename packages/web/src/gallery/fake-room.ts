import type { RemoteParticipant, RoomSnapshot, Source } from "@tightbeam/client"
import type { PublicationApi, RoomApi, RoomEvents } from "../room-api.ts"
import { fakeCamera, fakeMicrophone, fakeScreen } from "./fake-media.ts"
import { timelineAt } from "./fake-timeline.ts"

type Listener = (event: never) => void

/** A room without a network: what it shows is what it was given. */
export class FakeRoom implements RoomApi {
  #snapshot: RoomSnapshot
  #nextId = 0
  readonly #subscribers = new Set<() => void>()
  readonly #listeners = new Map<keyof RoomEvents, Set<Listener>>()

  constructor(snapshot: Partial<RoomSnapshot> = {}) {
    this.#snapshot = {
      state: { status: "connected" },
      room: "standup",
      self: { id: "p0", name: "Ada Lovelace", host: false, hand: null },
      lobby: undefined,
      publications: [],
      participants: [],
      signaling: { startedAt: performance.now() - 40, endedAt: performance.now() },
      ...snapshot,
    }
  }

  snapshot(): RoomSnapshot {
    return this.#snapshot
  }

  subscribe(callback: () => void): () => void {
    this.#subscribers.add(callback)
    return () => this.#subscribers.delete(callback)
  }

  on<K extends keyof RoomEvents>(event: K, listener: (event: RoomEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Changes what the room shows. */
  set(change: Partial<RoomSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change }
    for (const callback of this.#subscribers) callback()
  }

  emit<K extends keyof RoomEvents>(event: K, value: RoomEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? [])
      (listener as (event: RoomEvents[K]) => void)(value)
  }

  arrive(participant: RemoteParticipant): void {
    this.set({ participants: [...this.#snapshot.participants, participant] })
    this.emit("participant", { participant, change: "joined" })
  }

  join(_room: string, { name }: { name: string }): Promise<void> {
    this.set({ state: { status: "connected" }, self: { id: "p0", name, host: false, hand: null } })
    return Promise.resolve()
  }

  publish(
    what: "camera" | "microphone" | "screen" | MediaStreamTrack,
    options: { source?: Source; muted?: boolean } = {},
  ): Promise<PublicationApi> {
    const source = options.source ?? (typeof what === "string" ? what : "custom")
    const made = { camera: () => fakeCamera(0), microphone: () => fakeMicrophone(true), screen: fakeScreen }
    const track = typeof what === "string" ? made[what]() : what
    const publication: PublicationApi = {
      id: `l${this.#nextId++}`,
      kind: track.kind === "audio" ? "audio" : "video",
      source,
      muted: options.muted ?? false,
      track,
      mute: () => Promise.resolve(change(true)),
      unmute: () => Promise.resolve(change(false)),
      switch: () => Promise.resolve(),
      unpublish: () => {
        this.set({ publications: this.#snapshot.publications.filter(({ id }) => id !== publication.id) })
        this.emit("publication", { publication, change: "unpublished" })
        return Promise.resolve()
      },
    }
    const handle = publication as { -readonly [K in keyof PublicationApi]: PublicationApi[K] }
    const change = (muted: boolean): void => {
      handle.muted = muted
      track.enabled = !muted
      this.set({
        publications: this.#snapshot.publications.map(other =>
          other.id === handle.id ? { ...other, muted } : other,
        ),
      })
    }
    track.enabled = !handle.muted
    this.set({ publications: [...this.#snapshot.publications, { ...publication }] })
    return Promise.resolve(publication)
  }

  send(): Promise<void> {
    return Promise.resolve()
  }

  connection(): undefined {
    return undefined
  }

  raiseHand(raised: boolean): void {
    const { self } = this.#snapshot
    if (self !== undefined) this.set({ self: { ...self, hand: raised ? 1 : null } })
  }

  lock(locked: boolean): void {
    this.set({ lobby: { locked, waiting: locked ? (this.#snapshot.lobby?.waiting ?? []) : [] } })
  }

  admit(id: string): void {
    this.deny(id)
  }

  deny(id: string): void {
    const { lobby } = this.#snapshot
    if (lobby !== undefined)
      this.set({ lobby: { ...lobby, waiting: lobby.waiting.filter(each => each.id !== id) } })
  }

  kick(id: string): void {
    const participant = this.#snapshot.participants.find(each => each.id === id)
    if (participant === undefined) return
    this.set({ participants: this.#snapshot.participants.filter(each => each !== participant) })
    this.emit("participant", { participant, change: "left" })
  }

  retryNow(): void {
    this.set({ state: { status: "connected" } })
  }

  reconnect(participant: string): void {
    this.set({
      participants: this.#snapshot.participants.map(other =>
        other.id === participant ? { ...other, timeline: timelineAt(participant, "checks") } : other,
      ),
    })
  }

  leave(): Promise<void> {
    this.set({ state: { status: "idle" }, participants: [], publications: [] })
    return Promise.resolve()
  }
}
