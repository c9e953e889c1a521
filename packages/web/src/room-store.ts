import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals"
import { type RemoteParticipant, type RoomSnapshot, type Source, TightbeamError } from "@tightbeam/client"
import { Captions } from "./captions.ts"
import { ChatStore, chatText, TEXT_MAX } from "./chat-store.ts"
import type { DeskView, FileDesk } from "./file-desk.ts"
import { findPinned, fingerprintIn, pinOf, renewed } from "./pin.ts"
import type { Quality } from "./quality.ts"
import { receiveVideo } from "./receive-video.ts"
import { isMuted, type PublicationApi, type RoomApi, type RoomEvents } from "./room-api.ts"
import { View } from "./view.ts"
import { Voices } from "./voices.ts"

export type Panel = "chat" | "timeline"

/** What went wrong with something the person just asked for. */
export interface Trouble {
  readonly message: string
  readonly hint: string
}

export interface Brought {
  readonly camera: MediaStreamTrack | undefined
  readonly microphone: MediaStreamTrack | undefined
  readonly microphoneOn: boolean
}

/** Why a call is over that nobody left. */
export interface Ending {
  readonly trouble: Trouble
  /** The error's own; undefined where it has none. */
  readonly code: string | undefined
  /** Where the error is explained. */
  readonly link: string | undefined
}

type Switchable = "microphone" | "camera" | "screen"

/** One call, as the page sees it: the room's snapshot as a signal, the chat, and what the buttons do. */
export class RoomStore {
  readonly room: string
  readonly chat = new ChatStore()
  readonly captions = new Captions()
  /** The files of this call, once there are any. */
  readonly desk: Signal<DeskView | undefined> = signal<DeskView | undefined>(undefined)
  readonly view: View
  readonly voices: Voices
  readonly status: ReadonlySignal<RoomSnapshot["state"]["status"]>
  /** Whom this person pinned, if they are here. */
  readonly pinned: ReadonlySignal<RemoteParticipant | undefined>
  /** How good the connections are, by participant, for those that have been measured. */
  readonly qualities: Signal<ReadonlyMap<string, Quality>> = signal<ReadonlyMap<string, Quality>>(new Map())
  readonly panel: Signal<Panel | undefined> = signal<Panel | undefined>(undefined)
  /** Whose connection the timeline shows; undefined: the page chooses. */
  readonly watched: Signal<string | undefined> = signal<string | undefined>(undefined)
  /** The latest of what screen readers are told. */
  readonly announcements: Signal<readonly Announcement[]> = signal([])
  readonly trouble: Signal<Trouble | undefined> = signal<Trouble | undefined>(undefined)
  /** Set when the call is over without anybody having left. */
  readonly ending: Signal<Ending | undefined> = signal<Ending | undefined>(undefined)
  /** Whom a host is about to send out, once they have said so again. */
  readonly kicking: Signal<RemoteParticipant | undefined> = signal<RemoteParticipant | undefined>(undefined)
  /** Closes the picture in picture that is open. */
  readonly closePicture: Signal<(() => void) | undefined> = signal<(() => void) | undefined>(undefined)
  readonly #api: RoomApi
  readonly #snapshot: Signal<RoomSnapshot>
  readonly #busy: Signal<ReadonlySet<Switchable>> = signal<ReadonlySet<Switchable>>(new Set())
  readonly #published = new Map<Source, PublicationApi>()
  readonly #names = new Map<string, string>()
  /** Whose hand is up. */
  #raised: ReadonlySet<string> = new Set()
  /** Who waits to be let in. */
  #waiting: ReadonlySet<string> = new Set()
  readonly #fingerprintOf = (participant: string): string | undefined =>
    fingerprintIn(this.#api.connection(participant)?.remoteDescription?.sdp)
  /** What was said of files before the desk was there to hear it. */
  #early: Pick<RoomEvents["message"], "data" | "from">[] = []
  #deskLoads: Promise<FileDesk> | undefined
  #over = false
  #mayPublish = true
  /** Pictures were not wanted at some time: connections may still be without. */
  #refusedVideo = false
  readonly #cleanups: (() => void)[] = []

  constructor(api: RoomApi, room: string, view: View = new View()) {
    this.#api = api
    this.room = room
    this.view = view
    this.#snapshot = signal(api.snapshot())
    this.status = computed(() => this.#snapshot.value.state.status)
    this.voices = new Voices(this.#snapshot)
    this.pinned = computed(() => {
      const pin = view.pin.value
      return pin && findPinned(pin, this.#snapshot.value.participants, this.#fingerprintOf)
    })
    this.#cleanups.push(
      () => this.voices.stop(),
      effect(() => this.#keepPin()),
      effect(() => this.#receiveVideo()),
      api.subscribe(() => this.#update()),
      api.on("participant", event => this.#onParticipant(event)),
      api.on("message", event => this.#onMessage(event)),
      api.on("error", error => {
        if (error.code === "not-allowed") this.#mayPublish = false
        this.trouble.value = describe(error)
      }),
      api.on("publication", ({ publication, change }) => {
        if (change !== "unpublished") this.#published.set(publication.source, publication)
        else {
          this.#published.delete(publication.source)
          this.#missed(publication.source)
        }
      }),
    )
  }

  get snapshot(): ReadonlySignal<RoomSnapshot> {
    return this.#snapshot
  }

  /** Switches that are under way: their buttons wait. */
  get busy(): ReadonlySignal<ReadonlySet<Switchable>> {
    return this.#busy
  }

  /** Resolves in either case: a failure is in `ending`. */
  async join(name: string): Promise<void> {
    await this.#api.join(this.room, { name }).catch((error: unknown) => this.#end(error))
  }

  /** Publishes what the lobby opened. Resolves in either case: a failure is in `trouble`. */
  async bring({ camera, microphone, microphoneOn }: Brought): Promise<void> {
    if (this.#over) {
      camera?.stop()
      microphone?.stop()
      return
    }
    await Promise.all([
      microphone && this.#publish("microphone", microphone, !microphoneOn),
      camera && this.#publish("camera", camera, false),
    ])
  }

  /** On if off, off if on; asks for the device where there is none yet. */
  async toggle(what: Switchable): Promise<void> {
    if (this.#over || this.#busy.value.has(what)) return
    this.#busy.value = new Set([...this.#busy.value, what])
    this.trouble.value = undefined
    try {
      const publication = this.#published.get(what)
      if (publication === undefined) this.#keep(what, await this.#api.publish(what))
      else if (what === "screen") await publication.unpublish()
      else if (publication.muted) await publication.unmute()
      else await publication.mute()
    } catch (error) {
      const cancelled = error instanceof TightbeamError && error.code === "screen-cancelled"
      if (!cancelled && !this.#over) this.trouble.value = describe(error)
    } finally {
      this.#busy.value = new Set([...this.#busy.value].filter(other => other !== what))
    }
  }

  /** Tells screen readers: each by itself, so that none takes the place of another that was not read yet. */
  announce(text: string): void {
    const before = this.announcements.value
    const key = (before.at(-1)?.key ?? 0) + 1
    this.announcements.value = [...before.slice(1 - ANNOUNCEMENTS_MAX), { key, text }]
  }

  /** Pins somebody, in place of whoever was; or nobody. */
  pin(participant: RemoteParticipant | undefined): void {
    const { participants } = this.#snapshot.value
    this.view.pin.value = participant && pinOf(participant, participants, this.#fingerprintOf)
    this.announce(participant ? `${participant.name} pinned` : "Nobody pinned")
  }

  /** Sound alone, or sound and pictures. One's own camera goes off with the others', and is left for its owner to turn on. */
  setAudioOnly(on: boolean): void {
    this.view.audioOnly.value = on
    this.announce(on ? "Audio only" : "Pictures are on again")
    const camera = this.#snapshot.value.publications.find(({ source }) => source === "camera")
    if (on && !isMuted(camera)) void this.toggle("camera")
  }

  /** Raises one's hand, or takes it down. */
  toggleHand(): void {
    this.#api.raiseHand(this.#snapshot.value.self?.hand === null)
  }

  /** Of a host: the waiting room, on or off. */
  lock(locked: boolean): void {
    this.#api.lock(locked)
    this.announce(locked ? "The waiting room is on" : "The waiting room is off")
  }

  admit(id: string): void {
    this.#api.admit(id)
  }

  deny(id: string): void {
    this.#api.deny(id)
  }

  kick(id: string): void {
    this.#api.kick(id)
  }

  /** The peer connection to somebody, to measure it. */
  connection(participant: string): RTCPeerConnection | undefined {
    return this.#api.connection(participant)
  }

  /** Tries to reach the server now rather than when it is due. */
  retryNow(): void {
    this.#api.retryNow()
  }

  /** Tries to reach somebody now whose connection has failed. */
  reconnect(participant: string): void {
    try {
      this.#api.reconnect(participant)
    } catch {
      // They have just left: there is nobody to reach.
    }
  }

  /** Another camera or microphone, while the call goes on. */
  async switchDevice(what: "camera" | "microphone", deviceId: string): Promise<void> {
    if (this.#over) return
    try {
      const publication = this.#published.get(what)
      if (publication) await publication.switch(deviceId)
      else this.#keep(what, await this.#api.publish(what, { deviceId }))
    } catch (error) {
      if (!this.#over) this.trouble.value = describe(error)
    }
  }

  async say(text: string): Promise<void> {
    const trimmed = text.trim().slice(0, TEXT_MAX)
    if (trimmed === "") return
    const id = this.chat.add("message", "self", "You", trimmed)
    try {
      await this.#api.send("chat", { text: trimmed })
    } catch {
      this.chat.fail(id)
    }
  }

  /** Offers files to everybody, and shows them in the chat. */
  async sendFiles(files: readonly File[]): Promise<void> {
    if (this.#over || files.length === 0) return
    try {
      const desk = await this.#openDesk()
      if (this.panel.value !== "chat") this.show("chat")
      desk.send(files)
    } catch (error) {
      this.trouble.value = describe(error)
    }
  }

  /** The name of somebody who is or was here. */
  nameOf(participant: string): string {
    const here = this.#snapshot.value.participants.find(({ id }) => id === participant)
    return here?.name ?? this.#names.get(participant) ?? "Somebody who left"
  }

  /** Opens a panel, or closes it where it is open. */
  show(panel: Panel | undefined): void {
    batch(() => {
      this.panel.value = this.panel.value === panel ? undefined : panel
      this.chat.setOpen(this.panel.value === "chat")
    })
  }

  /** Opens the timeline at one connection. */
  watch(participant: string): void {
    batch(() => {
      this.watched.value = participant
      if (this.panel.value !== "timeline") this.show("timeline")
    })
  }

  async leave(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.closePicture.value?.()
    for (const clean of this.#cleanups.splice(0)) clean()
    await this.#api.leave().catch(() => {})
  }

  /** A call turns its devices off, and never ends them: the device itself has ended. */
  #missed(source: Source): void {
    if (!this.#mayPublish || (source !== "camera" && source !== "microphone")) return
    this.trouble.value = {
      message: `Your ${source} is gone.`,
      hint: "If it was unplugged, plug it in again, or choose another one in Devices; then turn it on.",
    }
  }

  /** The browser may have asked for so long that the call is over. */
  #keep(source: Source, publication: PublicationApi): void {
    if (this.#over) void publication.unpublish()
    else this.#published.set(source, publication)
  }

  async #publish(source: "camera" | "microphone", track: MediaStreamTrack, muted: boolean): Promise<void> {
    try {
      this.#keep(source, await this.#api.publish(track, { source, muted }))
    } catch (error) {
      track.stop()
      this.trouble.value = describe(error)
    }
  }

  /** It is over, and nobody asked for it: says why, and lets the devices go. */
  #end(error: unknown): void {
    if (this.#over) return
    const { code, link } = error instanceof TightbeamError ? error : {}
    this.ending.value = { trouble: describe(error), code, link }
    void this.leave()
  }

  #keepPin(): void {
    const pin = this.view.pin.value
    const { participants } = this.#snapshot.value
    const next = pin && renewed(pin, participants, this.#fingerprintOf)
    if (JSON.stringify(next) !== JSON.stringify(pin)) this.view.pin.value = next
  }

  /** Each change of the room may be a new connection, or a new picture on one. */
  #receiveVideo(): void {
    const receives = !this.view.audioOnly.value
    if (receives && !this.#refusedVideo) return
    this.#refusedVideo = true
    for (const { id } of this.#snapshot.value.participants) receiveVideo(this.#api.connection(id), receives)
  }

  #update(): void {
    const snapshot = this.#api.snapshot()
    this.#snapshot.value = snapshot
    this.#announceHands(snapshot)
    this.#announceWaiting(snapshot)
    if (snapshot.state.status === "closed") this.#end(snapshot.state.reason ?? CLOSED)
  }

  #announceHands({ participants }: RoomSnapshot): void {
    const raised = participants.filter(({ hand }) => hand !== null)
    for (const { id, name } of raised) if (!this.#raised.has(id)) this.announce(`${name} raised a hand`)
    for (const { id, name, hand } of participants)
      if (hand === null && this.#raised.has(id)) this.announce(`${name} lowered the hand`)
    this.#raised = new Set(raised.map(({ id }) => id))
  }

  #announceWaiting({ lobby }: RoomSnapshot): void {
    const waiting = lobby?.waiting ?? []
    for (const { id, name } of waiting) if (!this.#waiting.has(id)) this.announce(`${name} wants to join`)
    this.#waiting = new Set(waiting.map(({ id }) => id))
  }

  #onParticipant({ participant: { id, name }, change }: RoomEvents["participant"]): void {
    this.#names.set(id, name)
    if (this.#names.size > NAMES_MAX) this.#names.delete(this.#names.keys().next().value!)
    if (change === "updated") return
    this.announce(`${name} ${change}`)
    this.chat.add("notice", id, name, change)
  }

  #openDesk(): Promise<FileDesk> {
    this.#deskLoads ??= import("./file-desk.ts").then(
      ({ FileDesk }) => {
        const desk = new FileDesk(this.#api, {
          nameOf: participant => this.nameOf(participant),
          announce: text => this.announce(text),
          show: (card, from) =>
            this.chat.add("file", from, from === "self" ? "You" : this.nameOf(from), card),
          trouble: error => (this.trouble.value = describe(error)),
        })
        this.desk.value = desk
        for (const { data, from } of this.#early.splice(0)) desk.hear(data, from)
        this.#cleanups.push(() => desk.close())
        return desk
      },
      (error: unknown) => {
        this.#deskLoads = undefined
        throw error
      },
    )
    return this.#deskLoads
  }

  #onMessage({ topic, data, from }: RoomEvents["message"]): void {
    if (topic === FILES && this.desk.value === undefined) {
      if (this.#early.length < MAX_EARLY) this.#early.push({ data, from })
      this.#openDesk().catch((error: unknown) => (this.trouble.value = describe(error)))
      return
    }
    const name = this.#snapshot.value.participants.find(({ id }) => id === from)?.name
    if (topic === "captions" && name !== undefined) this.captions.hear(from, name, data, performance.now())
    const text = topic === "chat" ? chatText(data) : undefined
    if (text === undefined) return
    this.chat.add("message", from, name ?? this.#names.get(from) ?? "Somebody who left", text)
    if (this.panel.value !== "chat") this.announce(`Message from ${name ?? "somebody"}: ${text}`)
  }
}

/** Said to screen readers. */
interface Announcement {
  readonly key: number
  readonly text: string
}

/** So many of the last are kept on the page: what was read is of no use. */
const ANNOUNCEMENTS_MAX = 8

/** Of those who were here, so many are remembered. */
const NAMES_MAX = 1000

/** The topic of what is said about files, and how much of it waits for what understands it. */
const FILES = "tightbeam.files"
const MAX_EARLY = 1000

const CLOSED = new TightbeamError("connection-lost", "The call ended.", "Rejoin to go on.")

function describe(error: unknown): Trouble {
  if (error instanceof TightbeamError) return { message: error.message, hint: error.hint }
  return {
    message: error instanceof Error ? error.message : String(error),
    hint: "Try again. If it stays, reload the page.",
  }
}
