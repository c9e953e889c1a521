import type { RoomSnapshot } from "@tightbeam/client"
import { type ConnectionReading, readConnection } from "./connection-reading.ts"
import { assess, lossIn, type Quality } from "./quality.ts"

/** Between two looks at a connection, ms. */
export const EVERY = 2_000

/** Each is compared with the one so many looks before: one bad moment is no bad connection. */
const LOOKS = 2

export interface Watched {
  readonly snapshot: { readonly value: RoomSnapshot }
  connection(participant: string): Pick<RTCPeerConnection, "getStats"> | undefined
}

/** The connections of a room, measured one look after another. */
export class QualityWatch {
  readonly #room: Watched
  readonly #readings = new Map<string, { readonly of: object; readonly taken: ConnectionReading[] }>()

  constructor(room: Watched) {
    this.#room = room
  }

  /** One look at each connection: how good they are, by participant; those that have just come up are left out. */
  async look(now: number): Promise<ReadonlyMap<string, Quality>> {
    const { participants } = this.#room.snapshot.value
    const here = new Set(participants.map(({ id }) => id))
    for (const id of this.#readings.keys()) if (!here.has(id)) this.#readings.delete(id)
    await Promise.all(participants.map(({ id }) => this.#read(id, now)))

    const losses = new Map(
      [...this.#readings].map(([id, { taken }]) => [
        id,
        { in: lossIn(taken[0]!, taken.at(-1)!), out: taken.at(-1)!.lostOut },
      ]),
    )
    const qualities = new Map<string, Quality>()
    for (const { id, name, timeline, publications } of participants) {
      const { taken = [] } = this.#readings.get(id) ?? {}
      if (timeline.status === "recovering" || timeline.status === "failed")
        qualities.set(id, { grade: "lost", reasons: [`The connection to ${name} is broken.`], facts: [] })
      else if (taken.length > 1) {
        const others = [...losses].filter(([other]) => other !== id).map(([, loss]) => loss)
        const sends = publications.some(({ muted, kind }) => kind === "audio" && !muted)
        qualities.set(
          id,
          assess(taken[0]!, taken.at(-1)!, name, sends, {
            lostIn: least(others.map(loss => loss.in)),
            lostOut: least(others.map(loss => loss.out)),
          }),
        )
      }
    }
    return qualities
  }

  async #read(id: string, now: number): Promise<void> {
    const connection = this.#room.connection(id)
    const report = await connection?.getStats().catch(() => undefined)
    if (connection === undefined || report === undefined) return
    const known = this.#readings.get(id)
    // A new connection counts from nothing.
    const taken = known?.of === connection ? known.taken : []
    this.#readings.set(id, {
      of: connection,
      taken: [...taken.slice(-LOOKS), readConnection(report, now)],
    })
  }
}

const least = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Looks at the connections while the page is seen, until the returned function is called. */
export function watchQuality(room: Watched, tell: (found: ReadonlyMap<string, Quality>) => void): () => void {
  const watch = new QualityWatch(room)
  let over = false
  const look = async (): Promise<void> => {
    if (document.visibilityState !== "visible") return
    const found = await watch.look(performance.now())
    if (!over) tell(found)
  }
  const timer = setInterval(() => void look(), EVERY)
  void look()
  return () => {
    over = true
    clearInterval(timer)
  }
}
