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
/** The key of an entry: an IP address as four 32-bit words, then `family << 16 | port`, then the socket. */
const KEY_WORDS = 6
const ADDRESS = 4
const SOCKET = 5
// What follows the key.
const CHAIN = 6
const HOLDS = 7
/** Of entries that nobody holds: a doubly linked list, the oldest first. */
const OLDER = 8
const NEWER = 9
/** Of a table that is new. It grows with what is in it: few paths are to share few pages of memory. */
const FIRST_BUCKETS = 256
/** Words from one entry to the next: to look one up is to touch one line of the cache. */
const ENTRY = 16

/**
 * The intern table that every driver uses. Any stranger's first packet makes an entry, so the table
 * has a fixed size: entries that nobody holds are recycled, the longest unused first.
 */
export class PathTable implements Paths {
  readonly capacity: number
  readonly #seed: number
  readonly #entries: Int32Array
  readonly #scratch = new Int32Array(KEY_WORDS)
  /** As many as entries in use, or up to twice as many; a power of two. */
  #buckets = new Int32Array(FIRST_BUCKETS).fill(NONE)
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
    this.#entries = new Int32Array(capacity * ENTRY)
  }

  open(socket: Socket, remote: Address): Path {
    return this.intern(socket, remote.ip, 0, remote.ip.length, remote.port)
  }

  /** As `open`, from an address of 4 or 16 bytes in place: what a receiving driver calls per datagram. */
  intern(socket: Socket, ip: Uint8Array, at: number, ipLength: number, port: number): Path {
    const key = this.#scratch
    for (let word = 0; word < 4; word++) key[word] = 4 * word < ipLength ? readUint32(ip, at + 4 * word) : 0
    key[ADDRESS] = (ipLength << 16) | port
    key[SOCKET] = socket
    for (let path = this.#buckets[this.#bucketOf(key, 0)]!; path !== NONE; path = this.#get(path, CHAIN)) {
      if (this.#matches(path)) {
        if (this.#get(path, HOLDS) === 0) this.#touch(path)
        return path
      }
    }
    const path = this.#claim()
    if (path === NO_PATH) return NO_PATH
    this.#entries.set(key, path * ENTRY)
    this.#remotes[path] = undefined
    this.#chain(path)
    this.#append(path)
    return path
  }

  hold(path: Path): void {
    if (this.#get(path, HOLDS) === 0) this.#unlink(path)
    this.#set(path, HOLDS, this.#get(path, HOLDS) + 1)
  }

  release(path: Path): void {
    if (this.#get(path, HOLDS) === 0) throw new RangeError(`release(${path}): this path is not held`)
    this.#set(path, HOLDS, this.#get(path, HOLDS) - 1)
    if (this.#get(path, HOLDS) === 0) this.#append(path)
  }

  /** How often a path is held. */
  holds(path: Path): number {
    return this.#get(path, HOLDS)
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
    return this.#get(path, SOCKET)
  }

  remote(path: Path): Address {
    const known = this.#remotes[path]
    if (known !== undefined) return known
    const at = path * ENTRY
    const family = this.#entries[at + ADDRESS]!
    const ip = new Uint8Array(family >>> 16)
    for (let i = 0; i < ip.length; i++) ip[i] = this.#entries[at + (i >> 2)]! >>> (24 - 8 * (i & 3))
    const remote = Object.freeze({ ip, port: family & 0xffff })
    this.#remotes[path] = remote
    return remote
  }

  #get(path: Path, word: number): number {
    return this.#entries[path * ENTRY + word]!
  }

  #set(path: Path, word: number, value: number): void {
    this.#entries[path * ENTRY + word] = value
  }

  #bucketOf(words: Int32Array, at: number): number {
    let hash = this.#seed
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ words[at + i]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash & (this.#buckets.length - 1)
  }

  #matches(path: Path): boolean {
    const at = path * ENTRY
    for (let i = 0; i < KEY_WORDS; i++) if (this.#entries[at + i] !== this.#scratch[i]) return false
    return true
  }

  #chain(path: Path): void {
    const bucket = this.#bucketOf(this.#entries, path * ENTRY)
    this.#set(path, CHAIN, this.#buckets[bucket]!)
    this.#buckets[bucket] = path
  }

  #grow(): void {
    this.#buckets = new Int32Array(2 * this.#buckets.length).fill(NONE)
    for (let path = 0; path < this.#used; path++) this.#chain(path)
  }

  #claim(): Path {
    if (this.#used < this.capacity) {
      if (this.#used === this.#buckets.length) this.#grow()
      return this.#used++
    }
    const path = this.#oldest
    if (path === NONE) return NO_PATH
    this.#unlink(path)
    const bucket = this.#bucketOf(this.#entries, path * ENTRY)
    if (this.#buckets[bucket] === path) this.#buckets[bucket] = this.#get(path, CHAIN)
    else {
      let previous = this.#buckets[bucket]!
      while (this.#get(previous, CHAIN) !== path) previous = this.#get(previous, CHAIN)
      this.#set(previous, CHAIN, this.#get(path, CHAIN))
    }
    return path
  }

  #touch(path: Path): void {
    if (this.#newest === path) return
    this.#unlink(path)
    this.#append(path)
  }

  #append(path: Path): void {
    this.#set(path, OLDER, this.#newest)
    this.#set(path, NEWER, NONE)
    if (this.#newest === NONE) this.#oldest = path
    else this.#set(this.#newest, NEWER, path)
    this.#newest = path
  }

  #unlink(path: Path): void {
    const older = this.#get(path, OLDER)
    const newer = this.#get(path, NEWER)
    if (older === NONE) this.#oldest = newer
    else this.#set(older, NEWER, newer)
    if (newer === NONE) this.#newest = older
    else this.#set(newer, OLDER, older)
  }
}
