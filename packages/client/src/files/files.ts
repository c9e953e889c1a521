import { Emitter } from "../emitter.ts"
import { type Clock, realClock } from "../environment.ts"
import { TightbeamError } from "../errors.ts"
import type { Room, RoomEvents } from "../room.ts"
import { distinct, safePath } from "./names.ts"
import { ReceivingTransfer } from "./receiving.ts"
import { Content, SendingTransfer } from "./sending.ts"
import type { FileDescription } from "./transfer.ts"
import {
  ACK,
  type Control,
  type Listed,
  MAX_FILES,
  MAX_OFFERS,
  MAX_PATH,
  MESSAGE_SIZE,
  manifestParts,
  readControl,
  readMessage,
  TOPIC,
} from "./wire.ts"

/** An offer to one participant, or of one to us. */
export type Transfer = SendingTransfer | ReceivingTransfer

/** What `Files` asks of a room. */
export interface FilesRoom extends Pick<Room, "send" | "subscribe" | "snapshot" | "connection"> {
  on(name: "message", listener: (message: RoomEvents["message"]) => void): () => void
  on(name: "returned", listener: (returned: RoomEvents["returned"]) => void): () => void
}

export interface FilesEvents {
  /** Somebody offers us files. */
  offer: ReceivingTransfer
}

/** The channel of files, beside those that every connection has: it yields to whatever else there is to send. */
const CHANNEL = { negotiated: true, id: 2, priority: "very-low" }

/** How long somebody who left may take to come back, ms. */
const PATIENCE = 120_000

/** When what could not be said to somebody who is here is said again, ms. */
const SAY_AGAIN = 1000

/** Transfers that are over and still shown. */
const MAX_OVER = 200

interface Line {
  readonly pc: RTCPeerConnection
  readonly channel: RTCDataChannel
}

/** An offer whose manifest is still arriving. */
interface Arriving {
  from: string
  readonly count: number
  readonly files: FileDescription[]
}

/** The files that a room's participants send each other: straight from one to the other, like everything else. */
export class Files {
  readonly #room: FilesRoom
  readonly #clock: Clock
  readonly #emitter = new Emitter<FilesEvents>()
  readonly #subscribers = new Set<() => void>()
  readonly #transfers = new Map<string, Transfer>()
  readonly #arriving = new Map<string, Arriving>()
  readonly #lines = new Map<string, Line>()
  /** Participants who left, and how not to give them up. */
  readonly #gone = new Map<string, () => void>()
  /** What they were not told. */
  readonly #unsaid = new Map<string, object[]>()
  readonly #stop: (() => void)[]
  #list: readonly Transfer[] | undefined
  #tags = 0
  #notifying = false

  constructor(room: FilesRoom, clock: Clock = realClock) {
    this.#room = room
    this.#clock = clock
    this.#stop = [
      room.on("message", ({ topic, data, from }) => {
        if (topic === TOPIC) this.hear(data, from)
      }),
      room.on("returned", ({ participant, before }) => this.#returned(participant, before)),
      room.subscribe(() => this.#look()),
    ]
  }

  /** Returns how to stop listening. */
  on<Name extends keyof FilesEvents>(name: Name, listener: (payload: FilesEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Calls back, once a turn, after anything changed. */
  subscribe(callback: () => void): () => void {
    this.#subscribers.add(callback)
    return () => this.#subscribers.delete(callback)
  }

  /** All that were offered by or to us, in order; the same array until there are others. */
  get transfers(): readonly Transfer[] {
    this.#list ??= [...this.#transfers.values()]
    return this.#list
  }

  /**
   * Offers files to everybody who is in the room, or to one (`to`). Returns a transfer for each of them. Throws a
   * `TightbeamError`: `no-such-participant`, `file-too-many`, `insecure-context`.
   */
  offer(files: readonly File[], { to }: { to?: string } = {}): SendingTransfer[] {
    if (files.length === 0 || files.length > MAX_FILES)
      throw new TightbeamError(
        "file-too-many",
        `An offer has 1 to ${MAX_FILES} files; these are ${files.length}.`,
        "Send them in parts, or as an archive.",
      )
    if (globalThis.crypto?.subtle === undefined)
      throw new TightbeamError(
        "insecure-context",
        "The browser lets only secure pages verify what they send.",
        "Open this page by https, or on the computer itself by http://localhost.",
      )
    const peers = this.#room.snapshot().participants.map(({ id }) => id)
    if (to !== undefined && !peers.includes(to))
      throw new TightbeamError(
        "no-such-participant",
        `Nobody of the id ${to} is in the room.`,
        "They may have just left.",
      )
    const content = new Content(files)
    const described = files.map(file => ({
      path: (file.webkitRelativePath || file.name).slice(-MAX_PATH),
      size: file.size,
      modified: Math.max(0, Math.floor(file.lastModified)),
    }))
    const listed = described.map(({ path, size, modified }): Listed => [path, size, modified])
    return (to === undefined ? peers : [to]).map(peer => {
      const transfer = new SendingTransfer(this.#host, crypto.randomUUID(), peer, described, content)
      this.#add(transfer)
      this.#say(peer, { type: "offer", offer: transfer.id, count: files.length })
      for (const part of manifestParts(listed))
        this.#say(peer, { type: "manifest", offer: transfer.id, ...part })
      return transfer
    })
  }

  /** Takes a message of the topic `tightbeam.files` that the room gave before this was listening. */
  hear(data: unknown, from: string): void {
    const control = readControl(data)
    if (control !== undefined) this.#heard(control, from)
  }

  /** Cancels what is under way, and listens no more. */
  close(): void {
    for (const transfer of this.#transfers.values()) transfer.cancel()
    for (const stop of this.#stop) stop()
    for (const cancel of this.#gone.values()) cancel()
    for (const { channel } of this.#lines.values()) channel.close()
    this.#lines.clear()
  }

  readonly #host = {
    now: () => this.#clock.now(),
    changed: () => this.#touch(),
    newTag: () => this.#tags++,
    attend: () => this.#look(),
    say: (peer: string, control: object) => this.#say(peer, control),
  }

  #say(peer: string, control: object): void {
    const unsaid = this.#unsaid.get(peer)
    // Behind what could not be said either: an offer is told in parts.
    if (unsaid !== undefined) unsaid.push(control)
    else this.#room.send(TOPIC, control, { to: peer }).catch(() => this.#notSaid(peer, control))
  }

  /** They are gone, or their queue is full: told again when they return, or soon. Nothing of it does harm when heard twice. */
  #notSaid(peer: string, control: object): void {
    const unsaid = this.#unsaid.get(peer)
    if (unsaid !== undefined) return void unsaid.push(control)
    this.#unsaid.set(peer, [control])
    this.#clock.after(SAY_AGAIN, () => {
      if (this.#room.snapshot().participants.some(({ id }) => id === peer)) this.#sayUnsaid(peer, peer)
    })
  }

  /** What was not said to one who was called `before`. */
  #sayUnsaid(peer: string, before: string): void {
    const unsaid = this.#unsaid.get(before) ?? []
    this.#unsaid.delete(before)
    for (const control of unsaid) this.#say(peer, control)
  }

  #add(transfer: Transfer): void {
    this.#transfers.set(transfer.id, transfer)
    const over = [...this.#transfers.values()].filter(each => each.over)
    for (const { id } of over.slice(0, -MAX_OVER)) this.#transfers.delete(id)
    this.#list = undefined
    this.#touch()
    this.#look()
  }

  #heard(control: Control, from: string): void {
    if (control.type === "offer") return this.#offered(control.offer, control.count, from)
    if (control.type === "manifest") return this.#listed(control, from)
    const transfer = this.#transfers.get(control.offer)
    if (transfer?.peer !== from) return
    if (control.type === "cancel") transfer.given(control.why)
    else if (transfer.direction === "sending") {
      if (control.type === "decline") transfer.declined()
      else if (control.type === "done") transfer.done()
      else transfer.accepted(control)
    }
    this.#look()
  }

  #offered(offer: string, count: number, from: string): void {
    const pending = [...this.#transfers.values()].filter(
      each => each.peer === from && each.direction === "receiving" && each.status === "offered",
    )
    const arriving = [...this.#arriving.values()].filter(each => each.from === from)
    if (pending.length + arriving.length >= MAX_OFFERS || this.#transfers.has(offer)) return
    this.#arriving.set(offer, { from, count, files: [] })
  }

  #listed({ offer, at, files: listed }: Extract<Control, { type: "manifest" }>, from: string): void {
    const arriving = this.#arriving.get(offer)
    if (arriving?.from !== from || at !== arriving.files.length) return
    for (const [path, size, modified] of listed) arriving.files.push({ path, size, modified })
    if (arriving.files.length < arriving.count) return
    this.#arriving.delete(offer)
    const total = arriving.files.reduce((sum, { size }) => sum + size, 0)
    if (arriving.files.length > arriving.count || !Number.isSafeInteger(total)) return
    const paths = distinct(arriving.files.map(({ path }) => safePath(path)))
    const files = arriving.files.map((file, i) => ({ ...file, path: paths[i]! }))
    const transfer = new ReceivingTransfer(this.#host, offer, from, files)
    this.#add(transfer)
    this.#emitter.emit("offer", transfer)
  }

  /** Keeps a channel to each peer with whom something is under way, and notices who left. */
  #look(): void {
    const here = new Set(this.#room.snapshot().participants.map(({ id }) => id))
    const live = [...this.#transfers.values()].filter(({ over }) => !over).map(({ peer }) => peer)
    for (const peer of live) if (here.has(peer)) this.#ensureLine(peer)
    const arriving = [...this.#arriving.values()].map(({ from }) => from)
    for (const peer of [...live, ...arriving, ...this.#unsaid.keys(), ...this.#lines.keys()])
      if (!here.has(peer) && !this.#gone.has(peer)) this.#miss(peer)
    for (const [peer, cancel] of this.#gone)
      if (here.has(peer)) {
        cancel()
        this.#gone.delete(peer)
      }
  }

  /** They left: what there is of them is kept for a while. */
  #miss(peer: string): void {
    this.#drop(peer)
    this.#gone.set(
      peer,
      this.#clock.after(PATIENCE, () => {
        this.#gone.delete(peer)
        this.#unsaid.delete(peer)
        for (const transfer of this.#of(peer)) transfer.lost()
        for (const [offer, { from }] of this.#arriving) if (from === peer) this.#arriving.delete(offer)
      }),
    )
  }

  #returned(participant: string, before: string): void {
    this.#gone.get(before)?.()
    this.#gone.delete(before)
    this.#drop(before)
    for (const transfer of this.#of(before)) transfer.peer = participant
    for (const arriving of this.#arriving.values()) if (arriving.from === before) arriving.from = participant
    this.#sayUnsaid(participant, before)
    this.#look()
  }

  #of(peer: string): Transfer[] {
    return [...this.#transfers.values()].filter(each => each.peer === peer)
  }

  #ensureLine(peer: string): void {
    const pc = this.#room.connection(peer)
    const line = this.#lines.get(peer)
    if (pc === undefined || pc.signalingState === "closed") return
    if (line?.pc === pc) {
      if (line.channel.readyState === "open") for (const transfer of this.#of(peer)) this.#goOn(transfer)
      return
    }
    this.#drop(peer)
    const channel = pc.createDataChannel("files", CHANNEL)
    this.#lines.set(peer, { pc, channel })
    channel.binaryType = "arraybuffer"
    channel.bufferedAmountLowThreshold = MESSAGE_SIZE
    channel.onopen = () => this.#look()
    channel.onclose = () => {
      if (this.#lines.get(peer)?.channel === channel) this.#interrupt(peer)
    }
    channel.onbufferedamountlow = () => {
      for (const transfer of this.#of(peer)) if (transfer.direction === "sending") transfer.wake()
    }
    channel.onmessage = ({ data }) => this.#receive(peer, data)
    if (channel.readyState === "open") this.#look()
  }

  #drop(peer: string): void {
    if (this.#lines.delete(peer)) this.#interrupt(peer)
  }

  #interrupt(peer: string): void {
    for (const transfer of this.#of(peer)) transfer.interrupted()
  }

  #goOn(transfer: Transfer): void {
    const channel = this.#lines.get(transfer.peer)?.channel
    if (channel?.readyState === "open" && transfer.live) transfer.resume(channel)
  }

  #receive(peer: string, data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return
    const message = readMessage(data)
    if (message === undefined) return
    const { tag, records } = message
    for (const transfer of this.#of(peer)) {
      if (transfer.direction === "receiving") transfer.take(message, data.byteLength)
      else
        for (const { kind, payload } of records)
          if (kind === ACK && payload.length === 8)
            transfer.acknowledged(tag, new DataView(payload.buffer, payload.byteOffset).getFloat64(0))
    }
  }

  #touch(): void {
    if (this.#notifying) return
    this.#notifying = true
    queueMicrotask(() => {
      this.#notifying = false
      for (const callback of this.#subscribers) callback()
    })
  }
}
