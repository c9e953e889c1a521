import { type Address, readUint32 } from "../bytes/index.ts"

/** An interned pair of local socket and remote address: a 5-tuple, or one stream. */
export type Path = number

/**
 * A local socket, numbered by its driver from 0 up; a number is reused after its socket closed. A stream
 * has one of its own, and one path on it.
 */
export type Socket = number

/** What carries the bytes of a path. */
export type Transport = "udp" | "tcp" | "tls"

export const NO_PATH: Path = -1

/** What a machine may ask about the paths that its driver interned. */
export interface Paths {
  /**
   * The path from a socket to an address, interned now if it was not. `NO_PATH` when every entry is held.
   * Like the path of a datagram it is good until the current call returns; `hold` it to keep it. `remote` is
   * copied: the caller may reuse it.
   */
  open(socket: Socket, remote: Address): Path
  /** Keeps a path from being recycled. Counted: each `hold` wants its own `release`. */
  hold(path: Path): void
  release(path: Path): void
  socket(path: Path): Socket
  /** Immutable, the same object for as long as the path lives. */
  remote(path: Path): Address
  transport(path: Path): Transport
}

const NONE = -1
/** An IP address as four 32-bit words, then `family << 16 | port`, then the socket. */
const WORDS = 6

/**
 * The intern table that every driver uses. Any stranger's first packet makes an entry, so the table
 * has a fixed size: entries that nobody holds are recycled, the longest unused first.
 */
export class PathTable implements Paths {
  readonly capacity: number
  readonly #seed: number
  readonly #keys: Int32Array
  readonly #scratch = new Int32Array(WORDS)
  readonly #buckets: Int32Array
  readonly #chain: Int32Array
  readonly #holds: Int32Array
  // Unheld entries, oldest first: a doubly linked list threaded through two arrays.
  readonly #older: Int32Array
  readonly #newer: Int32Array
  #oldest = NONE
  #newest = NONE
  #used = 0
  readonly #remotes: (Address | undefined)[] = []
  readonly #streams = new Map<Socket, Transport>()

  /**
   * `seed`: any 32-bit number that strangers do not know. Who knew it could send from addresses that all fall into
   * one bucket, and make every look-up walk through all of them.
   */
  constructor(capacity = 65_536, seed = 0) {
    this.capacity = capacity
    this.#seed = seed
    this.#keys = new Int32Array(capacity * WORDS)
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(capacity))).fill(NONE)
    this.#chain = new Int32Array(capacity).fill(NONE)
    this.#holds = new Int32Array(capacity)
    this.#older = new Int32Array(capacity).fill(NONE)
    this.#newer = new Int32Array(capacity).fill(NONE)
  }

  open(socket: Socket, remote: Address): Path {
    return this.intern(socket, remote.ip, 0, remote.ip.length, remote.port)
  }

  /** As `open`, from an address of 4 or 16 bytes in place: what a receiving driver calls per datagram. */
  intern(socket: Socket, ip: Uint8Array, at: number, ipLength: number, port: number): Path {
    const key = this.#scratch
    for (let word = 0; word < 4; word++) key[word] = 4 * word < ipLength ? readUint32(ip, at + 4 * word) : 0
    key[4] = (ipLength << 16) | port
    key[5] = socket
    const bucket = this.#bucketOf(key, 0)
    for (let path = this.#buckets[bucket]!; path !== NONE; path = this.#chain[path]!) {
      if (this.#matches(path)) {
        if (this.#holds[path] === 0) this.#touch(path)
        return path
      }
    }
    const path = this.#claim()
    if (path === NO_PATH) return NO_PATH
    this.#keys.set(key, path * WORDS)
    this.#remotes[path] = undefined
    this.#chain[path] = this.#buckets[bucket]!
    this.#buckets[bucket] = path
    this.#append(path)
    return path
  }

  hold(path: Path): void {
    if (this.#holds[path] === 0) this.#unlink(path)
    this.#holds[path] = this.#holds[path]! + 1
  }

  release(path: Path): void {
    if (this.#holds[path] === 0) throw new RangeError(`release(${path}): this path is not held`)
    this.#holds[path] = this.#holds[path]! - 1
    if (this.#holds[path] === 0) this.#append(path)
  }

  /** How often a path is held. */
  holds(path: Path): number {
    return this.#holds[path]!
  }

  /** Says what carries the bytes of a socket, from now on. Until then, UDP does. */
  carry(socket: Socket, transport: Transport): void {
    if (transport === "udp") this.#streams.delete(socket)
    else this.#streams.set(socket, transport)
  }

  transport(path: Path): Transport {
    return this.#streams.get(this.socket(path)) ?? "udp"
  }

  socket(path: Path): Socket {
    return this.#keys[path * WORDS + 5]!
  }

  remote(path: Path): Address {
    const known = this.#remotes[path]
    if (known !== undefined) return known
    const at = path * WORDS
    const family = this.#keys[at + 4]!
    const ip = new Uint8Array(family >>> 16)
    for (let i = 0; i < ip.length; i++) ip[i] = this.#keys[at + (i >> 2)]! >>> (24 - 8 * (i & 3))
    const remote = Object.freeze({ ip, port: family & 0xffff })
    this.#remotes[path] = remote
    return remote
  }

  #bucketOf(words: Int32Array, at: number): number {
    let hash = this.#seed
    for (let i = 0; i < WORDS; i++) {
      hash = Math.imul(hash ^ words[at + i]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash & (this.#buckets.length - 1)
  }

  #matches(path: Path): boolean {
    const at = path * WORDS
    for (let i = 0; i < WORDS; i++) if (this.#keys[at + i] !== this.#scratch[i]) return false
    return true
  }

  #claim(): Path {
    if (this.#used < this.capacity) return this.#used++
    const path = this.#oldest
    if (path === NONE) return NO_PATH
    this.#unlink(path)
    const bucket = this.#bucketOf(this.#keys, path * WORDS)
    if (this.#buckets[bucket] === path) this.#buckets[bucket] = this.#chain[path]!
    else {
      let previous = this.#buckets[bucket]!
      while (this.#chain[previous] !== path) previous = this.#chain[previous]!
      this.#chain[previous] = this.#chain[path]!
    }
    return path
  }

  #touch(path: Path): void {
    if (this.#newest === path) return
    this.#unlink(path)
    this.#append(path)
  }

  #append(path: Path): void {
    this.#older[path] = this.#newest
    this.#newer[path] = NONE
    if (this.#newest === NONE) this.#oldest = path
    else this.#newer[this.#newest] = path
    this.#newest = path
  }

  #unlink(path: Path): void {
    const older = this.#older[path]!
    const newer = this.#newer[path]!
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
  }
}
