import type { Packet } from "./packet.ts"
import type { Random } from "./random.ts"
import type { Simulation } from "./simulation.ts"

/** What a link does to what crosses it, one way. Without any of it, packets cross in no time and unharmed. */
export interface LinkOptions {
  /** ms. */
  readonly delay?: number
  /** Added to the delay, uniformly from 0 up to this, ms. It keeps the order: who comes late holds up who follows. */
  readonly jitter?: number
  /** The share of packets lost, 0–1, each by itself; or in bursts. */
  readonly loss?: number | Bursts
  /** The share of packets that arrive twice, 0–1. */
  readonly duplication?: number
  /** The share of packets, 0–1, that are held back by up to `reorderingDelay` and let others pass. */
  readonly reordering?: number
  /** ms, default 20. */
  readonly reorderingDelay?: number
  /** Bits/s. */
  readonly rate?: number
  /** How much waits for the rate, bytes, the packet being sent included; what does not fit is dropped. Default 64 KiB. */
  readonly queue?: number
  /** The largest IP packet, bytes. Larger ones are dropped and nobody is told: most networks eat the ICMP error. */
  readonly mtu?: number
}

/** Loss by the model of Gilbert and Elliott: two states, and a chance to change between them before each packet. */
export interface Bursts {
  readonly goodToBad: number
  readonly badToGood: number
  /** The share lost in the good state, default 0. */
  readonly lossInGood?: number
  /** The share lost in the bad state, default 1. */
  readonly lossInBad?: number
}

/** Bursts that lose this share in the long run, 0–1, on average `length` packets at a time. */
export function bursts(share: number, length: number): Bursts {
  const badToGood = 1 / length
  return { badToGood, goodToBad: (badToGood * share) / (1 - share) }
}

const QUEUE = 65_536
const REORDERING_DELAY = 20

/** One direction of a line, or what all packets cross within a network. */
export class Link {
  isUp = true
  readonly name: string
  readonly #simulation: Simulation
  #options: LinkOptions = {}
  #random: Random | undefined
  /** Nothing was ever asked of it. */
  #ideal = true
  #inBad = false
  /** When the last packet that keeps its place comes out. */
  #lastOut = 0
  /** When all that is queued has been sent. */
  #busyUntil = 0

  constructor(simulation: Simulation, name: string, options: LinkOptions) {
    this.#simulation = simulation
    this.name = name
    this.change(options)
  }

  /** From now on; what is under way is not touched. */
  change(options: LinkOptions): void {
    this.#options = options
    if (Object.keys(options).length === 0) return
    this.#ideal = false
    this.#random ??= this.#simulation.random.fork(this.name)
    this.#inBad = false
  }

  /** How much waits for the rate now, bytes. */
  get queued(): number {
    const { rate } = this.#options
    const left = this.#busyUntil - this.#simulation.schedule.now
    return rate === undefined || left <= 0 ? 0 : (left * rate) / 8000
  }

  /** Calls `arrive` when the packet comes out, if it does: at once, where the link asks nothing of it. */
  carry(packet: Packet, arrive: (packet: Packet) => void): void {
    if (!this.isUp) return this.#simulation.drop(packet, this.name, "link down")
    if (this.#ideal) return arrive(packet)
    const { mtu = Infinity, duplication = 0 } = this.#options
    if (packet.size > mtu) return this.#simulation.drop(packet, this.name, "too big")
    const isDoubled = duplication > 0 && this.#random!.chance(duplication)
    // Each by itself: either may be lost.
    if (isDoubled) this.#carryOne({ ...packet }, arrive)
    this.#carryOne(packet, arrive)
  }

  #carryOne(packet: Packet, arrive: (packet: Packet) => void): void {
    const random = this.#random!
    const { delay = 0, jitter = 0, reordering = 0, rate } = this.#options
    let sent = this.#simulation.schedule.now
    if (rate !== undefined) {
      if (this.queued + packet.size > (this.#options.queue ?? QUEUE))
        return this.#simulation.drop(packet, this.name, "queue full")
      sent = Math.max(sent, this.#busyUntil) + (packet.size * 8000) / rate
      this.#busyUntil = sent
    }
    if (this.#loses(random)) return this.#simulation.drop(packet, this.name, "loss")
    let out = sent + delay + (jitter > 0 ? random.float() * jitter : 0)
    if (reordering > 0 && random.chance(reordering))
      out += random.float() * (this.#options.reorderingDelay ?? REORDERING_DELAY)
    else {
      out = Math.max(out, this.#lastOut)
      this.#lastOut = out
    }
    this.#after(out, packet, arrive)
  }

  #after(at: number, packet: Packet, arrive: (packet: Packet) => void): void {
    packet.waited = true
    this.#simulation.schedule.at(at, () => arrive(packet))
  }

  #loses(random: Random): boolean {
    const { loss = 0 } = this.#options
    if (typeof loss === "number") return loss > 0 && random.chance(loss)
    if (random.chance(this.#inBad ? loss.badToGood : loss.goodToBad)) this.#inBad = !this.#inBad
    return random.chance(this.#inBad ? (loss.lossInBad ?? 1) : (loss.lossInGood ?? 0))
  }
}

/** What is said of a line holds for both directions, but for what is said of one of them. */
export interface LineOptions extends LinkOptions {
  readonly out?: LinkOptions
  readonly in?: LinkOptions
}

/** What connects a host or a whole network to the network that it is in. */
export class Line {
  readonly out: Link
  readonly in: Link

  constructor(simulation: Simulation, name: string, options: LineOptions) {
    this.out = new Link(simulation, `${name} out`, directed(options, "out"))
    this.in = new Link(simulation, `${name} in`, directed(options, "in"))
  }

  /** From now on, in place of what it did so far. */
  change(options: LineOptions): void {
    this.out.change(directed(options, "out"))
    this.in.change(directed(options, "in"))
  }

  /** Nothing enters it any more; what is under way still arrives. */
  disconnect(): void {
    this.out.isUp = false
    this.in.isUp = false
  }

  reconnect(): void {
    this.out.isUp = true
    this.in.isUp = true
  }
}

function directed(options: LineOptions, direction: "out" | "in"): LinkOptions {
  const { out, in: inward, ...both } = options
  return { ...both, ...(direction === "out" ? out : inward) }
}
