import { type Signal, signal } from "@preact/signals"
import { TightbeamError } from "@tightbeam/client"
import {
  type FileDescription,
  Files,
  type FilesRoom,
  fileName,
  type ReceivingTransfer,
  type Transfer,
  type TransferView,
} from "@tightbeam/client/files"
import { formatBytes } from "./bytes.ts"
import { chooseDestination, type Kept } from "./file-destination.ts"

/** How often what is shown keeps up with what arrives, ms. */
const STEP = 100

/** Files that were offered together, and how far they are. */
export interface FileCard {
  readonly id: string
  readonly own: boolean
  /** "photo.jpg", or "12 files". */
  readonly title: string
  readonly files: readonly FileDescription[]
  readonly size: number
  /** One for each receiver. */
  readonly transfers: readonly TransferView[]
  /** Where it is, once all has arrived here. */
  readonly kept: Kept | undefined
}

/** What the cards show and do. */
export type DeskView = Pick<FileDesk, "cards" | "accept" | "decline" | "cancel" | "again">

/** What the desk asks of the page. */
export interface DeskHost {
  nameOf(participant: string): string
  announce(text: string): void
  /** Shows a card in the chat, from a participant or "self". */
  show(card: string, from: string): void
  trouble(error: unknown): void
}

interface Group {
  transfers: readonly Transfer[]
  readonly files: readonly File[] | undefined
  kept: Kept | undefined
}

/** The files of one call: offers, answers, and where what arrives is kept. Loaded when the first are offered. */
export class FileDesk {
  readonly cards: Signal<ReadonlyMap<string, FileCard>> = signal<ReadonlyMap<string, FileCard>>(new Map())
  readonly #files: Files
  readonly #host: DeskHost
  readonly #groups = new Map<string, Group>()
  readonly #told = new Map<string, TransferView["status"]>()
  #waiting = false

  constructor(room: FilesRoom, host: DeskHost) {
    this.#host = host
    this.#files = new Files(room)
    this.#files.subscribe(() => this.#soon())
    this.#files.on("offer", transfer => this.#offered(transfer))
  }

  /** Takes what was said of files before this was loaded. */
  hear(data: unknown, from: string): void {
    this.#files.hear(data, from)
  }

  /** Offers files to everybody who is here. */
  send(files: readonly File[]): void {
    this.#offer(files, undefined)
  }

  /** Asks the person where to, and takes it. Call it from a click. */
  async accept(card: string): Promise<void> {
    const group = this.#groups.get(card)
    const [transfer] = group?.transfers ?? []
    if (group === undefined || transfer?.status !== "offered" || transfer.direction !== "receiving") return
    try {
      const destination = await chooseDestination(transfer)
      if (destination === undefined) return
      transfer.accept(destination.sink)
      group.kept = destination.kept
    } catch (error) {
      this.#host.trouble(error)
    }
  }

  decline(card: string): void {
    for (const transfer of this.#groups.get(card)?.transfers ?? [])
      if (transfer.direction === "receiving") transfer.decline()
  }

  cancel(card: string, transfer?: string): void {
    for (const each of this.#groups.get(card)?.transfers ?? [])
      if (transfer === undefined || each.id === transfer) each.cancel()
  }

  /** Offers the same to the same person again. */
  again(card: string, transfer: string): void {
    const group = this.#groups.get(card)
    const before = group?.transfers.find(({ id }) => id === transfer)
    if (group?.files !== undefined && before !== undefined) this.#offer(group.files, before.peer)
  }

  close(): void {
    this.#files.close()
    for (const { kept } of this.#groups.values()) kept?.forget()
  }

  #offer(files: readonly File[], to: string | undefined): void {
    try {
      const transfers = this.#files.offer(files, to === undefined ? {} : { to })
      if (transfers.length === 0)
        throw new TightbeamError("no-such-participant", "Nobody else is here.", "Send it once somebody is.")
      this.#add(transfers, files, "self")
    } catch (error) {
      this.#host.trouble(error)
    }
  }

  #offered(transfer: ReceivingTransfer): void {
    this.#add([transfer], undefined, transfer.peer)
    const who = this.#host.nameOf(transfer.peer)
    this.#host.announce(
      `${who} offers ${titleOf(transfer.files)}, ${formatBytes(transfer.size)}. Open the chat.`,
    )
  }

  #add(transfers: readonly Transfer[], files: readonly File[] | undefined, from: string): void {
    const { id } = transfers[0]!
    this.#groups.set(id, { transfers, files, kept: undefined })
    this.#update()
    this.#host.show(id, from)
  }

  #soon(): void {
    if (this.#waiting) return
    this.#waiting = true
    setTimeout(() => {
      this.#waiting = false
      this.#update()
    }, STEP)
  }

  #update(): void {
    this.#forget()
    this.cards.value = new Map([...this.#groups].map(([id, group]) => [id, card(id, group)]))
    for (const { transfers, kept } of this.cards.value.values())
      for (const view of transfers) this.#tell(view, kept)
  }

  /** What `Files` has forgotten is gone here too. */
  #forget(): void {
    const known = new Set(this.#files.transfers)
    for (const [id, { transfers, kept }] of this.#groups) {
      if (transfers.some(each => known.has(each))) continue
      this.#groups.delete(id)
      for (const each of transfers) this.#told.delete(each.id)
      kept?.forget()
    }
  }

  /** Screen readers hear of what is over, once. */
  #tell(view: TransferView, kept: Kept | undefined): void {
    if (this.#told.get(view.id) === view.status) return
    this.#told.set(view.id, view.status)
    const who = this.#host.nameOf(view.peer)
    const title = titleOf(view.files)
    if (view.status === "done")
      this.#host.announce(
        view.direction === "sending"
          ? `${who} has received ${title}`
          : `${title} has arrived.${kept?.link ? " Save it from the chat." : ""}`,
      )
    else if (view.status === "declined" && view.direction === "sending")
      this.#host.announce(`${who} declined ${title}`)
    else if (view.status === "failed") this.#host.announce(`${title}: ${view.error?.message ?? ""}`)
  }
}

const card = (id: string, { transfers, kept }: Group): FileCard => {
  const views = transfers.map(each => each.view())
  const { files, size, direction, status } = views[0]!
  const own = direction === "sending"
  return {
    id,
    own,
    title: titleOf(files),
    files,
    size,
    transfers: views,
    kept: status === "done" ? kept : undefined,
  }
}

const titleOf = (files: readonly FileDescription[]): string =>
  files.length === 1 ? fileName(files[0]!.path) : `${files.length.toLocaleString()} files`
