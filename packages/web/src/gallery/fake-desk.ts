import { signal } from "@preact/signals"
import { TightbeamError } from "@tightbeam/client"
import type { TransferView } from "@tightbeam/client/files"
import type { DeskView, FileCard } from "../file-desk.ts"
import type { RoomStore } from "../room-store.ts"

const MB = 1_000_000

/** A card in each state that files can be in. */
export function everyFileCard(store: RoomStore): void {
  const [ben, grace] = store.snapshot.value.participants
  const cards = new Map<string, FileCard>()
  const show = (
    title: string,
    count: number,
    size: number,
    views: Partial<TransferView>[],
    own = false,
  ): void => {
    const id = `c${cards.size}`
    const files = Array.from({ length: count }, (_, i) => ({
      path: count === 1 ? title : `holiday/2026/photo-${i}.jpg`,
      size: Math.round(size / count),
      modified: 0,
    }))
    const transfers = views.map(
      (view, i): TransferView => ({
        id: `${id}-${i}`,
        direction: own ? "sending" : "receiving",
        peer: (i === 0 ? ben : grace)!.id,
        files,
        size,
        status: "running",
        arrived: 0,
        filesArrived: 0,
        rate: undefined,
        timeLeft: undefined,
        error: undefined,
        ...view,
      }),
    )
    const link = { url: "data:,", name: title }
    const done = views[0]!.status === "done"
    cards.set(id, {
      id,
      own,
      title,
      files,
      size,
      transfers,
      kept: done ? { link, forget: () => {} } : undefined,
    })
    store.chat.add("file", own ? "self" : ben!.id, own ? "You" : ben!.name, id)
  }
  const full = new TightbeamError(
    "file-not-saved",
    "What arrived could not be saved: no space is left, or the browser does not allow it.",
    "Make room, or save it elsewhere, and have it sent again.",
  )
  show("minutes.pdf", 1, 0.3 * MB, [{ status: "done", arrived: 0.3 * MB }])
  show("backup.tar", 1, 900 * MB, [{ status: "failed", error: full }])
  show("cat.gif", 1, 1.2 * MB, [{ status: "declined" }], true)
  show(
    "a very long name of a film that nobody would ever type by hand, final version 3.mov",
    1,
    1400 * MB,
    [
      { status: "running", arrived: 420 * MB, rate: 11.2 * MB, timeLeft: 87 },
      { status: "done", arrived: 1400 * MB },
    ],
    true,
  )
  show("1,240 files", 1240, 310 * MB, [{ status: "waiting", arrived: 120 * MB, filesArrived: 480 }])
  show("slides.key", 1, 24 * MB, [{ status: "offered" }])
  const nothing = () => {}
  const desk: DeskView = {
    cards: signal(cards),
    accept: () => Promise.resolve(),
    decline: nothing,
    cancel: nothing,
    again: nothing,
  }
  store.desk.value = desk
}
