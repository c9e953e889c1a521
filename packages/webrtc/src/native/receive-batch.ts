import type { Libc } from "./libc.ts"
import {
  IOV_AT,
  IOV_COUNT_AT,
  IOVEC,
  MMSGHDR,
  MSG_DONTWAIT,
  NAME_AT,
  NAME_LENGTH_AT,
  SOCKADDR,
  SOCKADDR_IN6_LENGTH,
  TRANSFERRED_AT,
} from "./linux.ts"
import { Memory } from "./memory.ts"
import { type IpAt, readSocketAddress } from "./socket-address.ts"

/** Bytes of a slot: no UDP datagram is longer. Memory that nothing was received into is none of the machine's. */
const SLOT = 65_536
/**
 * What lies between two slots beside the room of each. Odd in cache lines, so that the first bytes of all datagrams,
 * which are the ones looked at, do not fall into the same few sets of the cache.
 */
const STAGGER = 4096 + 5 * 64

export interface Room {
  /** Bytes in front of every datagram, and behind it, that belong to whoever reads it. */
  readonly head: number
  readonly tail: number
}

/** Datagrams received by one system call. Every pointer in it is written once. */
export class ReceiveBatch {
  readonly capacity: number
  /** Where the datagrams lie. */
  readonly memory: Memory
  readonly #libc: Libc
  readonly #headers: Memory
  readonly #lengths: Uint32Array
  readonly #namesAt: number
  readonly #stride: number
  readonly #head: number
  /** Slots whose name lengths the kernel may have changed. */
  #used = 0

  constructor(libc: Libc, capacity: number, { head, tail }: Room) {
    this.#libc = libc
    this.capacity = capacity
    this.#head = head
    this.#stride = align(head + SLOT + tail) + STAGGER
    this.memory = new Memory(libc, this.#stride * capacity)
    const vectorsAt = MMSGHDR * capacity
    this.#namesAt = vectorsAt + IOVEC * capacity
    this.#headers = new Memory(libc, this.#namesAt + SOCKADDR * capacity)
    this.#lengths = new Uint32Array(this.#headers.bytes.buffer)
    for (let i = 0; i < capacity; i++) {
      const header = MMSGHDR * i
      const vector = vectorsAt + IOVEC * i
      this.#headers.setPointer(header + NAME_AT, this.#headers, this.#namesAt + SOCKADDR * i)
      this.#headers.setPointer(header + IOV_AT, this.#headers, vector)
      this.#headers.view.setBigUint64(header + IOV_COUNT_AT, 1n, true)
      this.#headers.setPointer(vector, this.memory, this.offset(i))
      this.#headers.view.setBigUint64(vector + 8, BigInt(SLOT), true)
      this.#lengths[(header + NAME_LENGTH_AT) >> 2] = SOCKADDR_IN6_LENGTH
    }
  }

  /** Where datagram `i` begins. */
  offset(i: number): number {
    return this.#stride * i + this.#head
  }

  length(i: number): number {
    return this.#lengths[(MMSGHDR * i + TRANSFERRED_AT) >> 2]!
  }

  /** Where the IP address of the sender of datagram `i` lies in `names`, and its port. */
  sender(i: number, into: IpAt): void {
    readSocketAddress(this.#headers.bytes, this.#namesAt + SOCKADDR * i, into)
  }

  get names(): Uint8Array {
    return this.#headers.bytes
  }

  /**
   * Receives what waits on a socket into the slots from `from` on, without blocking; returns how many. Less than there
   * was room for: nothing more waits.
   */
  receive(fd: number, from: number): number {
    for (let i = 0; i < this.#used; i++)
      this.#lengths[(MMSGHDR * i + NAME_LENGTH_AT) >> 2] = SOCKADDR_IN6_LENGTH
    const count = this.#libc.recvmmsg(
      fd,
      this.#headers.address + MMSGHDR * from,
      this.capacity - from,
      MSG_DONTWAIT,
      0,
    )
    // Of a slot that it tried in vain, too.
    this.#used = Math.min(from + Math.max(count, 0) + 1, this.capacity)
    return Math.max(count, 0)
  }
}

const align = (length: number): number => (length + 63) & ~63
