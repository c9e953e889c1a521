import type { AllocationUsage } from "@tightbeam/webrtc/turn"
import { addUsage, bytesOf, type CostOver, copyOf, mergeCosts } from "./cost.ts"

/** What one room has cost, by participant: so many of them by name, what the others cost together. */
export class RoomCosts {
  /** Of all participants together. */
  readonly total: CostOver = {}
  readonly participants: Map<string, CostOver> = new Map<string, CostOver>()
  /** Of those whose names are not kept: who cost least. */
  readonly others: CostOver = {}
  /** Allocations that live. */
  live = 0
  /** When the last one ended; meaningless while `live`. */
  endedAt = 0
  readonly #mostParticipants: number

  constructor(mostParticipants: number) {
    this.#mostParticipants = mostParticipants
  }

  add(participant: string, usage: AllocationUsage, isLive: boolean): void {
    addUsage(this.total, usage, isLive)
    const known = this.participants.get(participant)
    const costs = known ?? {}
    addUsage(costs, usage, isLive)
    if (known !== undefined) return
    this.participants.set(participant, costs)
    if (this.participants.size > this.#mostParticipants) this.#forgetLeast()
  }

  copy(): RoomCosts {
    const copy = new RoomCosts(this.#mostParticipants)
    for (const [participant, costs] of this.participants) copy.participants.set(participant, copyOf(costs))
    mergeCosts(copy.others, this.others)
    mergeCosts(copy.total, this.total)
    return copy
  }

  #forgetLeast(): void {
    let least = ""
    let leastBytes = Infinity
    for (const [participant, costs] of this.participants) {
      const bytes = bytesOf(costs)
      if (bytes >= leastBytes) continue
      least = participant
      leastBytes = bytes
    }
    mergeCosts(this.others, this.participants.get(least)!)
    this.participants.delete(least)
  }
}
