import { HEADROOM, TAILROOM } from "@tightbeam/webrtc/contract"
import { Endpoints } from "./endpoints.ts"
import type { Drop, Packet, Sighting } from "./packet.ts"
import { Random } from "./random.ts"
import { Schedule } from "./schedule.ts"

/** What a machine reads here it was never sent. */
export const POISON = 0xaa

export const SLAB: number = 65_536 + HEADROOM + TAILROOM

export type Observer = (sighting: Sighting) => void

/** What all parts of one internet share: the clock, the randomness, and who watches. */
export class Simulation {
  readonly schedule: Schedule = new Schedule()
  readonly random: Random
  readonly endpoints: Endpoints = new Endpoints()
  /** Where drivers show machines what was received, and where machines write: only one runs at a time. */
  readonly received: Uint8Array<ArrayBuffer> = new Uint8Array(SLAB).fill(POISON)
  readonly written: Uint8Array<ArrayBuffer> = new Uint8Array(SLAB).fill(POISON)
  readonly observers: Observer[] = []
  #packets = 0

  constructor(seed: number | string) {
    this.random = new Random(seed)
  }

  nextPacket(): number {
    return this.#packets++
  }

  drop(packet: Packet, where: string, why: Drop): void {
    this.see(packet, where, "dropped", why)
  }

  see(packet: Packet, where: string, what: Sighting["what"], why?: Drop): void {
    if (this.observers.length === 0) return
    const sighting: Sighting = { at: this.schedule.now, where, what, why, packet }
    for (const observe of this.observers) observe(sighting)
  }
}
