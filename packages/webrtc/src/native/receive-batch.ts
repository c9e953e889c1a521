import type { Libc } from "./libc.ts"
import {
  CMSG_DATA_AT,
  CMSG_SPACE,
  CONTROL_AT,
  CONTROL_LENGTH_AT,
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

/** The most datagrams of one message: the kernel merges 64, and cuts no message into more than 128. */
const MAX_MERGED = 128
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

/**
 * Datagrams received by one system call. Every pointer in it is written once.
 *
 * `merged` sockets hand over a run of datagrams of one sender and one size as one message, with their size (UDP_GRO,
 * udp(7)): the network's layers are passed once for all of them. The first stays where it is; the others are copied, for
 * each wants room of its own around it.
 */
export class ReceiveBatch {
  /** Messages of one call. */
  readonly capacity: number
  /** Where the datagrams lie. */
  readonly memory: Memory
  /** Whether the last call filled it: there may be more. */
  isFull = false
  readonly #libc: Libc
  readonly #headers: Memory
  readonly #words: Uint32Array
  readonly #namesAt: number
  readonly #controlsAt: number
  readonly #merged: boolean
  readonly #stride: number
  readonly #head: number
  readonly #tail: number
  /** Where those lie that are copied. */
  readonly #copiesAt: number
  /** Messages that the kernel may have changed the headers of. */
  #used = 0
  // Of each datagram.
  readonly #offsets: Int32Array
  readonly #lengths: Int32Array
  readonly #messages: Int32Array

  constructor(libc: Libc, capacity: number, { head, tail }: Room, merged = false) {
    this.#libc = libc
    this.capacity = capacity
    this.#merged = merged
    this.#head = head
    this.#tail = tail
    this.#stride = align(head + SLOT + tail) + STAGGER
    this.#copiesAt = this.#stride * capacity
    const copies = merged ? (SLOT + MAX_MERGED * align(head + tail + 64)) * capacity : 0
    this.memory = new Memory(libc, this.#copiesAt + copies)
    const vectorsAt = MMSGHDR * capacity
    this.#namesAt = vectorsAt + IOVEC * capacity
    this.#controlsAt = this.#namesAt + SOCKADDR * capacity
    const headers = new Memory(libc, this.#controlsAt + CMSG_SPACE * capacity)
    this.#headers = headers
    this.#words = new Uint32Array(headers.bytes.buffer)
    const datagrams = merged ? capacity * MAX_MERGED : capacity
    this.#offsets = new Int32Array(datagrams)
    this.#lengths = new Int32Array(datagrams)
    this.#messages = new Int32Array(datagrams)
    for (let i = 0; i < capacity; i++) {
      const header = MMSGHDR * i
      const vector = vectorsAt + IOVEC * i
      headers.setPointer(header + NAME_AT, headers, this.#namesAt + SOCKADDR * i)
      headers.setPointer(header + IOV_AT, headers, vector)
      headers.view.setBigUint64(header + IOV_COUNT_AT, 1n, true)
      headers.setPointer(vector, this.memory, this.#slot(i))
      headers.view.setBigUint64(vector + 8, BigInt(SLOT), true)
      if (merged) headers.setPointer(header + CONTROL_AT, headers, this.#controlsAt + CMSG_SPACE * i)
      this.#restore(i)
      this.#offsets[i] = this.#slot(i)
    }
  }

  /** Where datagram `i` begins. */
  offset(i: number): number {
    return this.#offsets[i]!
  }

  length(i: number): number {
    return this.#lengths[i]!
  }

  /** Where the IP address of the sender of datagram `i` lies in `names`, and its port. */
  sender(i: number, into: IpAt): void {
    readSocketAddress(this.#headers.bytes, this.#namesAt + SOCKADDR * this.#messages[i]!, into)
  }

  get names(): Uint8Array {
    return this.#headers.bytes
  }

  /**
   * Receives what waits on a socket into the slots from `from` on, without blocking; returns how many datagrams, of which
   * the first is number `from`.
   */
  receive(fd: number, from: number): number {
    for (let i = 0; i < this.#used; i++) this.#restore(i)
    const most = this.capacity - from
    const count = Math.max(
      this.#libc.recvmmsg(fd, this.#headers.address + MMSGHDR * from, most, MSG_DONTWAIT, 0),
      0,
    )
    // Of a message that it tried in vain, too.
    this.#used = Math.min(from + count + 1, this.capacity)
    this.isFull = count === most
    let datagram = from
    let copyAt = this.#copiesAt
    for (let message = from; message < from + count; message++) {
      const slot = this.#slot(message)
      const length = this.#words[(MMSGHDR * message + TRANSFERRED_AT) >> 2]!
      const size = this.#merged ? this.#sizeOf(message, length) : length
      this.#put(datagram++, message, slot, size)
      const end = datagram + MAX_MERGED - 1
      for (let at = size; at < length && datagram < end; at += size) {
        const start = copyAt + this.#head
        const left = Math.min(size, length - at)
        this.memory.bytes.copyWithin(start, slot + at, slot + at + left)
        this.#put(datagram++, message, start, left)
        copyAt = align(start + left + this.#tail)
      }
    }
    return datagram - from
  }

  #put(datagram: number, message: number, offset: number, length: number): void {
    this.#messages[datagram] = message
    this.#offsets[datagram] = offset
    this.#lengths[datagram] = length
  }

  /** Of each datagram of a message but the last, which may be shorter. */
  #sizeOf(message: number, length: number): number {
    if (this.#words[(MMSGHDR * message + CONTROL_LENGTH_AT) >> 2] === 0) return length
    const size = this.#words[(this.#controlsAt + CMSG_SPACE * message + CMSG_DATA_AT) >> 2]!
    return size === 0 ? length : Math.min(size, length)
  }

  /** Where the kernel put a number of its own. */
  #restore(message: number): void {
    const header = MMSGHDR * message
    this.#words[(header + NAME_LENGTH_AT) >> 2] = SOCKADDR_IN6_LENGTH
    if (this.#merged) this.#words[(header + CONTROL_LENGTH_AT) >> 2] = CMSG_SPACE
  }

  #slot(message: number): number {
    return this.#stride * message + this.#head
  }
}

const align = (length: number): number => (length + 63) & ~63
