import { TightbeamError } from "../errors.ts"
import { Rate } from "./rate.ts"
import type { Why } from "./wire.ts"

export interface FileDescription {
  /** Safe to create below a folder: relative, without `..`, the same on any system. */
  readonly path: string
  /** Bytes, as the sender says. */
  readonly size: number
  /** When it was last changed, ms since 1970. */
  readonly modified: number
}

/** All of a transfer at one moment. */
export interface TransferView {
  readonly id: string
  readonly direction: "sending" | "receiving"
  /** The participant at the other end. */
  readonly peer: string
  readonly files: readonly FileDescription[]
  /** Bytes of all files. */
  readonly size: number
  /**
   * `offered`: the receiver has not answered. `waiting`: accepted, and the way to the other end is broken for now.
   * The last four are final.
   */
  readonly status: "offered" | "running" | "waiting" | "done" | "declined" | "cancelled" | "failed"
  /** Bytes that have arrived. */
  readonly arrived: number
  /** Files that have arrived whole. */
  readonly filesArrived: number
  /** Bytes a second, of late; `undefined` while nobody can tell. */
  readonly rate: number | undefined
  /** Seconds that the rest will take at this rate. */
  readonly timeLeft: number | undefined
  /** Why it failed or was cancelled. */
  readonly error: TightbeamError | undefined
}

export interface TransferHost {
  now(): number
  changed(): void
  /** Says something to the other end, once, whatever breaks meanwhile. */
  say(peer: string, control: object): void
  newTag(): number
  /** It wants a channel. */
  attend(): void
}

const FINAL: readonly TransferView["status"][] = ["done", "declined", "cancelled", "failed"]

/** What sending and receiving have in common. */
export abstract class TransferBase {
  readonly id: string
  abstract readonly direction: "sending" | "receiving"
  peer: string
  readonly files: readonly FileDescription[]
  readonly size: number
  protected readonly host: TransferHost
  /** Where each file begins, in bytes of all. */
  readonly #starts: readonly number[]
  readonly #rate = new Rate()
  #status: TransferView["status"] = "offered"
  #error: TightbeamError | undefined
  #view: TransferView | undefined
  #arrived = 0
  protected filesArrived = 0

  constructor(host: TransferHost, id: string, peer: string, files: readonly FileDescription[]) {
    this.host = host
    this.id = id
    this.peer = peer
    this.files = files
    let at = 0
    this.#starts = files.map(({ size }) => (at += size) - size)
    this.size = at
  }

  get status(): TransferView["status"] {
    return this.#status
  }

  get over(): boolean {
    return FINAL.includes(this.#status)
  }

  /** Accepted, and not over: it wants a channel. */
  get live(): boolean {
    return this.#status === "running" || this.#status === "waiting"
  }

  /** The same object until something changes. */
  view(): TransferView {
    const { perSecond } = this.#rate
    const rate = this.#status === "running" ? perSecond : undefined
    this.#view ??= {
      id: this.id,
      direction: this.direction,
      peer: this.peer,
      files: this.files,
      size: this.size,
      status: this.#status,
      arrived: this.#arrived,
      filesArrived: this.filesArrived,
      rate,
      timeLeft: rate ? (this.size - this.#arrived) / rate : undefined,
      error: this.#error,
    }
    return this.#view
  }

  /** Gives it up, whoever began it. */
  cancel(): void {
    this.#end("cancelled", cancelled(true), "cancelled")
  }

  /** The other end gave it up. */
  given(why: Why): void {
    if (why === "cancelled") this.#end("cancelled", cancelled(false))
    else this.#end("failed", failure(why))
  }

  /** The other end is gone for good. */
  lost(): void {
    this.#end(
      "failed",
      new TightbeamError(
        "file-peer-left",
        "The other end left before all had arrived.",
        "Send it again when they are back.",
      ),
    )
  }

  /** Where a file begins, in bytes of all. */
  protected startOf(file: number): number {
    return this.#starts[file] ?? this.size
  }

  protected fail(why: Why, cause?: unknown): void {
    this.#end("failed", cause instanceof TightbeamError ? cause : failure(why, cause), why)
  }

  protected become(status: TransferView["status"]): void {
    if (this.over || status === this.#status) return
    this.#status = status
    this.#rate.reset()
    this.touch()
  }

  protected progress(arrived: number): void {
    this.#arrived = arrived
    this.#rate.add(arrived, this.host.now())
    this.touch()
  }

  protected touch(): void {
    this.#view = undefined
    this.host.changed()
  }

  /** There is an open channel to the other end. */
  abstract resume(channel: RTCDataChannel): void
  /** There is none any more. */
  abstract interrupted(): void
  /** Lets go of what it holds. */
  protected abstract release(): void

  #end(status: "cancelled" | "failed", error: TightbeamError, tell?: Why): void {
    if (this.over) return
    this.#error = error
    if (tell !== undefined) this.host.say(this.peer, { type: "cancel", offer: this.id, why: tell })
    this.become(status)
    this.release()
  }
}

function cancelled(here: boolean): TightbeamError {
  return new TightbeamError(
    "file-cancelled",
    here ? "You cancelled it." : "The other end cancelled it.",
    "Send it again, should it have been a mistake.",
  )
}

function failure(why: Why, cause?: unknown): TightbeamError {
  switch (why) {
    case "unreadable":
      return new TightbeamError(
        "file-unreadable",
        "A file can no longer be read: it was changed, moved or deleted since it was chosen.",
        "Choose it anew and send it again.",
        { cause },
      )
    case "corrupt":
      return new TightbeamError(
        "file-corrupt",
        "What arrived is not what was sent: a file was changed meanwhile.",
        "Send it again.",
        { cause },
      )
    default:
      return new TightbeamError(
        "file-not-saved",
        "What arrived could not be saved: no space is left, or the browser does not allow it.",
        "Make room, or save it elsewhere, and have it sent again.",
        { cause },
      )
  }
}
