import type { AllocationUsage } from "@tightbeam/webrtc/turn"
import { addUsage, bytesOf, type CostOver, copyOf, mergeCosts } from "./cost.ts"
import { RoomCosts } from "./room-costs.ts"

export interface MeterLimits {
  /** Rooms whose costs are kept by name. Beyond it the one that ended first goes to `others`. */
  readonly rooms: number
  /** Participants of one room that are kept by name. Beyond it who cost least goes to the room's `others`. */
  readonly participantsPerRoom: number
  /** How long a room is kept after its last allocation ended, in ms. */
  readonly keep: number
}

/** A full table is 5 MB of JSON, and takes some tens of ms whenever somebody asks for all of it. */
export const DEFAULT_METER_LIMITS: MeterLimits = {
  rooms: 1_000,
  participantsPerRoom: 20,
  keep: 3_600_000,
}

/** The `relay.cost` view, as `GET /relay/cost` answers it. Names are as received: escape them where they are shown. */
export interface RelayCost {
  readonly view: "relay.cost"
  readonly version: 1
  /** ISO 8601: what everything below has been counted from, and until. */
  readonly since: string
  readonly until: string
  /** Of everybody. */
  readonly total: CostOver
  /** The dearest first. */
  readonly rooms: readonly RoomCost[]
  /** Of the rooms whose names are not kept, or no longer. */
  readonly others: CostOver
}

export interface RoomCost {
  /** Empty where the credentials named none. */
  readonly room: string
  readonly total: CostOver
  /** The dearest first. */
  readonly participants: readonly { readonly participant: string; readonly over: CostOver }[]
  /** Of the participants whose names are not kept. */
  readonly others: CostOver
}

/**
 * Who relays how much: what ended is booked by room and participant, what lives is added whenever somebody asks.
 * What it keeps is bounded, and nothing is lost by that but names.
 */
export class RelayMeter {
  readonly #limits: MeterLimits
  readonly #since: Date
  /** Rooms with allocations that live. */
  readonly #running = new Map<string, RoomCosts>()
  /** Rooms without, the longest ended first. */
  readonly #ended = new Map<string, RoomCosts>()
  /** Of ended allocations, as all that is booked. */
  readonly #others: CostOver = {}
  readonly #total: CostOver = {}

  constructor(since: Date, limits: Partial<MeterLimits> = {}) {
    this.#since = since
    this.#limits = { ...DEFAULT_METER_LIMITS, ...limits }
  }

  /** How many rooms it has by name. */
  get rooms(): number {
    return this.#running.size + this.#ended.size
  }

  allocated(username: Uint8Array, now: number): void {
    this.#forgetOld(now)
    const { room } = ownerOf(username)
    let costs = this.#running.get(room) ?? this.#ended.get(room)
    if (costs === undefined) {
      // Those that run are kept: who comes when they fill the table is counted without a name.
      if (this.rooms >= this.#limits.rooms && !this.#forgetFirstEnded()) return
      costs = new RoomCosts(this.#limits.participantsPerRoom)
    }
    this.#ended.delete(room)
    this.#running.set(room, costs)
    costs.live++
  }

  freed(usage: AllocationUsage, now: number): void {
    this.#forgetOld(now)
    addUsage(this.#total, usage, false)
    const { room, participant } = ownerOf(usage.username)
    const running = this.#running.get(room)
    const costs = running ?? this.#ended.get(room)
    if (costs === undefined) return addUsage(this.#others, usage, false)
    costs.add(participant, usage, false)
    if (running === undefined || --running.live > 0) return
    running.endedAt = now
    this.#running.delete(room)
    this.#ended.set(room, running)
  }

  /** Of everybody. `live` is what the server says of the allocations that live. */
  total(live: readonly AllocationUsage[]): CostOver {
    const total = copyOf(this.#total)
    for (const usage of live) addUsage(total, usage, true)
    return total
  }

  report(live: readonly AllocationUsage[], now: number, until: Date): RelayCost {
    this.#forgetOld(now)
    const rooms = new Map<string, RoomCosts>()
    for (const table of [this.#running, this.#ended])
      for (const [room, costs] of table) rooms.set(room, costs.copy())
    const others = copyOf(this.#others)
    for (const usage of live) {
      const { room, participant } = ownerOf(usage.username)
      const costs = rooms.get(room)
      if (costs === undefined) addUsage(others, usage, true)
      else costs.add(participant, usage, true)
    }
    return {
      view: "relay.cost",
      version: 1,
      since: this.#since.toISOString(),
      until: until.toISOString(),
      total: this.total(live),
      rooms: dearestFirst(
        [...rooms].map(([room, costs]) => roomCost(room, costs)),
        each => each.total,
      ),
      others,
    }
  }

  #forgetOld(now: number): void {
    for (const { endedAt } of this.#ended.values()) {
      if (endedAt + this.#limits.keep > now) return
      this.#forgetFirstEnded()
    }
  }

  /** Returns whether there was one. */
  #forgetFirstEnded(): boolean {
    for (const [room, costs] of this.#ended) {
      this.#ended.delete(room)
      mergeCosts(this.#others, costs.total)
      return true
    }
    return false
  }
}

function roomCost(room: string, costs: RoomCosts): RoomCost {
  const participants = [...costs.participants].map(([participant, over]) => ({ participant, over }))
  return {
    room,
    total: costs.total,
    participants: dearestFirst(participants, ({ over }) => over),
    others: costs.others,
  }
}

function dearestFirst<T>(items: readonly T[], over: (item: T) => CostOver): T[] {
  return items
    .map(item => ({ item, bytes: bytesOf(over(item)) }))
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ item }) => item)
}

/** `expiry:room:participant`, or `expiry:name` as others mint it. */
function ownerOf(username: Uint8Array): { room: string; participant: string } {
  const text = new TextDecoder().decode(username)
  const user = text.slice(text.indexOf(":") + 1)
  const colon = user.indexOf(":")
  if (colon < 0) return { room: "", participant: user }
  return { room: user.slice(0, colon), participant: user.slice(colon + 1) }
}
