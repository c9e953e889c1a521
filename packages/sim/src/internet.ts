import { AddressPool } from "./address-pool.ts"
import type { LinkOptions } from "./link.ts"
import { Network } from "./network.ts"
import type { Random } from "./random.ts"
import type { Schedule } from "./schedule.ts"
import { type Observer, Simulation } from "./simulation.ts"

export interface InternetOptions {
  readonly seed: number | string
  /** What every packet crosses between two networks or hosts. Default: a delay of 10 ms. */
  readonly link?: LinkOptions
}

/** The network that all others are in, and the one clock of them all. A run is a function of the seed. */
export class Internet extends Network {
  constructor(options: number | string | InternetOptions) {
    const { seed, link } = typeof options === "object" ? options : { seed: options }
    // No special-purpose addresses: a TURN server would not relay to them.
    const pools = { 4: new AddressPool("20.0.0.0"), 6: new AddressPool("2a01::") }
    super(new Simulation(seed), "internet", pools, { delay: 10, ...link })
  }

  get schedule(): Schedule {
    return this.simulation.schedule
  }

  get random(): Random {
    return this.simulation.random
  }

  /** ms since the run began. */
  get now(): number {
    return this.simulation.schedule.now
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    this.simulation.schedule.run(ms)
  }

  /** Runs until `condition` holds; throws if it does not within `ms`. */
  runUntil(condition: () => boolean, ms: number): void {
    this.simulation.schedule.runUntil(condition, ms)
  }

  /** Calls `observe` with every packet that is sent, forwarded, received or dropped from now on. */
  watch(observe: Observer): void {
    this.simulation.observers.push(observe)
  }
}
