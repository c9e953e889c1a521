import type { Crypto } from "../crypto/index.ts"
import { TALLY_LENGTH, Tally } from "./tally.ts"

const PORTS = 65_536
const SEED_AT = 0
const TOTAL_AT = 4
const BANDWIDTH_AT = 8
const NUMBER_AT = 24
const USERS_AT = 64
const ROOMS_AT: number = USERS_AT + TALLY_LENGTH
const PORTS_AT: number = ROOMS_AT + TALLY_LENGTH

/** Bytes of memory that `Common` wants. */
export const COMMON_LENGTH: number = PORTS_AT + 2 * PORTS

/**
 * What the servers of one process have in common, each on a thread of its own: the relay ports, what users and rooms
 * have of their quotas, and the bandwidth. Nobody waits for anybody: two who take the last of something at the same
 * moment may both get it.
 */
export class Common {
  readonly users: Tally
  readonly rooms: Tally
  /** The state of the bucket that all share. Not atomic: what two spend at the same moment may be counted once. */
  readonly bandwidth: Float64Array
  readonly #memory: ArrayBufferLike
  readonly #total: Int32Array
  readonly #number: Int32Array

  /** `memory`: COMMON_LENGTH bytes, of `prepare`. */
  constructor(memory: ArrayBufferLike) {
    const seed = new Uint32Array(memory, SEED_AT, 1)[0]!
    this.#memory = memory
    this.#total = new Int32Array(memory, TOTAL_AT, 1)
    this.#number = new Int32Array(memory, NUMBER_AT, 1)
    this.bandwidth = new Float64Array(memory, BANDWIDTH_AT, 2)
    this.users = new Tally(memory, USERS_AT, seed)
    this.rooms = new Tally(memory, ROOMS_AT, seed)
  }

  /** For servers on several threads, give it a SharedArrayBuffer. */
  static prepare<M extends ArrayBufferLike>(memory: M, crypto: Crypto): M {
    const seed = new Uint8Array(4)
    crypto.random(seed)
    new Uint8Array(memory).set(seed, SEED_AT)
    return memory
  }

  /** Allocations of all. */
  get allocations(): number {
    return Atomics.load(this.#total, 0)
  }

  addAllocations(change: number): void {
    Atomics.add(this.#total, 0, change)
  }

  /** A number for an allocation that no other one has, from 1. */
  nextNumber(): number {
    return Atomics.add(this.#number, 0, 1) + 1
  }

  /** What is known of each port of a family, by its number. */
  ports(family: 4 | 6): Uint8Array {
    return new Uint8Array(this.#memory, PORTS_AT + (family === 4 ? 0 : PORTS), PORTS)
  }
}
