import { Fragmentation } from "./fragmentation.ts"
import type { Libc } from "./libc.ts"
import {
  CMSG_LENGTH,
  CMSG_SPACE,
  CONTROL_AT,
  CONTROL_LENGTH_AT,
  EAGAIN,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENOBUFS,
  IOV_AT,
  IOV_COUNT_AT,
  IOVEC,
  MAX_DATAGRAM,
  MAX_SEGMENTS,
  MMSGHDR,
  MSG_DONTWAIT,
  NAME_AT,
  NAME_LENGTH_AT,
  SOCKADDR,
  SOCKADDR_IN_LENGTH,
  SOCKADDR_IN6_LENGTH,
  SOL_UDP,
  UDP_SEGMENT,
} from "./linux.ts"
import { Memory } from "./memory.ts"
import { writeSocketAddress } from "./socket-address.ts"

const NONE = -1

/** After a message to a destination was not segmented, it is not tried there again for so many flushes. */
const PLAIN_FLUSHES = 4096

/** Where datagrams go: one socket and one address. */
export interface Route {
  readonly fd: number
  /** Of the socket. */
  readonly family: 4 | 6
  readonly ip: Uint8Array
  readonly port: number
}

export interface SendCounters {
  sent: number
  sentBytes: number
  /** The socket's buffer was full. */
  sendDropped: number
  /** The system refused a send. */
  sendErrors: number
}

/**
 * Datagrams that leave together: one system call for each socket, and one message for each run of equal sizes to one
 * destination, which the kernel cuts into datagrams again (UDP_SEGMENT, udp(7)). Their order to one destination is
 * kept. The bytes are not copied until `flush`.
 */
export class SendQueue {
  readonly capacity: number
  /** Off where the kernel cannot: then each datagram is a message. */
  segmentation: boolean
  readonly #libc: Libc
  readonly #counters: SendCounters
  readonly #fragmentation: Fragmentation
  readonly #headers: Memory
  readonly #words: Uint32Array
  readonly #vectorsAt: number
  readonly #spareVectorAt: number
  readonly #controlsAt: number
  /** The address of each route, by its key, and the route that was written there. */
  readonly #names: Memory
  readonly #named: (Route | undefined)[] = []

  // The first datagram, as long as it is the only one: mostly it stays that, and needs nothing of what follows.
  #lone: Route | undefined
  #loneKey = 0
  #loneMemory: Memory
  #loneOffset = 0
  #loneLength = 0

  // Datagrams, in the order they came; those of one message are linked.
  #count = 0
  readonly #addresses: Float64Array
  readonly #lengths: Int32Array
  readonly #next: Int32Array
  // Messages, in the order of their first datagrams; those of one socket are linked.
  #messages = 0
  readonly #routes: Route[]
  readonly #keys: Int32Array
  readonly #first: Int32Array
  readonly #last: Int32Array
  readonly #segments: Int32Array
  readonly #segment: Int32Array
  readonly #bytes: Int32Array
  readonly #isOpen: Uint8Array
  readonly #nextMessage: Int32Array
  /** The last message of a route, as long as the stamp is this flush's. */
  readonly #messageOf: Int32Array
  readonly #stamps: Float64Array
  /** Where segments were refused: until which flush each datagram is a message. */
  readonly #plainUntil: Float64Array
  #stamp = 1
  /** The first and last message of each socket. */
  readonly #sockets: Int32Array
  #socketCount = 0
  readonly #firstOf: number[] = []
  readonly #lastOf: number[] = []

  /** `keys`: routes are told apart by numbers below this. */
  constructor(libc: Libc, capacity: number, keys: number, counters: SendCounters, segmentation: boolean) {
    this.#libc = libc
    this.capacity = capacity
    this.segmentation = segmentation
    this.#counters = counters
    this.#fragmentation = new Fragmentation(libc)
    this.#vectorsAt = MMSGHDR * capacity
    this.#spareVectorAt = this.#vectorsAt + IOVEC * capacity
    this.#controlsAt = this.#spareVectorAt + IOVEC
    this.#names = new Memory(libc, SOCKADDR * keys)
    this.#loneMemory = this.#names
    const headers = new Memory(libc, this.#controlsAt + CMSG_SPACE * capacity)
    this.#headers = headers
    this.#words = new Uint32Array(headers.bytes.buffer)
    for (let i = 0; i < capacity; i++) {
      const header = MMSGHDR * i
      const control = this.#controlsAt + CMSG_SPACE * i
      headers.setPointer(header + CONTROL_AT, headers, control)
      headers.view.setBigUint64(control, BigInt(CMSG_LENGTH), true)
      headers.view.setInt32(control + 8, SOL_UDP, true)
      headers.view.setInt32(control + 12, UDP_SEGMENT, true)
    }
    this.#addresses = new Float64Array(capacity)
    const integers = () => new Int32Array(capacity)
    this.#lengths = integers()
    this.#next = integers()
    this.#routes = []
    this.#keys = integers()
    this.#first = integers()
    this.#last = integers()
    this.#segments = integers()
    this.#segment = integers()
    this.#bytes = integers()
    this.#isOpen = new Uint8Array(capacity)
    this.#nextMessage = integers()
    this.#sockets = integers()
    this.#messageOf = new Int32Array(keys)
    this.#stamps = new Float64Array(keys)
    this.#plainUntil = new Float64Array(keys)
  }

  get isEmpty(): boolean {
    return this.#count === 0 && this.#lone === undefined
  }

  /** `key` names the route until the next `flush`. Flushes first where there is no room. */
  add(key: number, route: Route, memory: Memory, offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > memory.bytes.length || length > MAX_DATAGRAM)
      throw new RangeError(`a datagram of ${length} bytes at ${offset} is not within its memory`)
    if (this.isEmpty) {
      this.#lone = route
      this.#loneKey = key
      this.#loneMemory = memory
      this.#loneOffset = offset
      this.#loneLength = length
      return
    }
    if (this.#lone !== undefined) {
      const first = this.#lone
      this.#lone = undefined
      this.#put(this.#loneKey, first, this.#loneMemory, this.#loneOffset, this.#loneLength)
    }
    if (this.#count === this.capacity) this.flush()
    this.#put(key, route, memory, offset, length)
  }

  /**
   * Sends one datagram, after all that waits, in one piece; where it does not fit the way out it is dropped and counted.
   * It costs three system calls more, and so the others nothing.
   */
  sendUnfragmented(key: number, route: Route, memory: Memory, offset: number, length: number): void {
    this.flush()
    const { fd, ip } = route
    // A socket of both families has an option for each, and the address says which of them counts.
    const family = ip.length === 4 ? 4 : 6
    const was = this.#fragmentation.forbid(fd, family)
    if (was === undefined) {
      this.#counters.sendErrors++
      return
    }
    this.add(key, route, memory, offset, length)
    this.flush()
    this.#fragmentation.restore(fd, family, was)
  }

  #put(key: number, route: Route, memory: Memory, offset: number, length: number): void {
    const i = this.#count++
    this.#addresses[i] = memory.address + offset
    this.#lengths[i] = length
    this.#next[i] = NONE
    const open = this.#stamps[key] === this.#stamp ? this.#messageOf[key]! : NONE
    if (open !== NONE && this.#joins(open, length)) {
      this.#next[this.#last[open]!] = i
      this.#last[open] = i
      this.#segments[open] = this.#segments[open]! + 1
      this.#bytes[open] = this.#bytes[open]! + length
      // Only the last of a message may be shorter.
      if (length < this.#segment[open]!) this.#isOpen[open] = 0
      return
    }
    const message = this.#messages++
    this.#routes[message] = route
    this.#first[message] = i
    this.#last[message] = i
    this.#segments[message] = 1
    this.#segment[message] = length
    this.#bytes[message] = length
    this.#keys[message] = key
    this.#isOpen[message] = length > 0 && this.segmentation && this.#stamp > this.#plainUntil[key]! ? 1 : 0
    this.#messageOf[key] = message
    this.#stamps[key] = this.#stamp
    this.#link(message, route.fd)
  }

  /** Gives all of it to the kernel. What it does not take is dropped and counted. */
  flush(): void {
    if (this.#lone !== undefined) this.#sendLone(this.#lone)
    if (this.#count === 0) return
    for (let i = 0; i < this.#socketCount; i++) this.#flushSocket(this.#sockets[i]!)
    this.#socketCount = 0
    this.#count = 0
    this.#messages = 0
    this.#stamp++
  }

  #joins(message: number, length: number): boolean {
    return (
      this.#isOpen[message] === 1 &&
      length > 0 &&
      length <= this.#segment[message]! &&
      this.#segments[message]! < MAX_SEGMENTS &&
      this.#bytes[message]! + length <= MAX_DATAGRAM
    )
  }

  #link(message: number, fd: number): void {
    this.#nextMessage[message] = NONE
    if ((this.#firstOf[fd] ?? NONE) === NONE) {
      this.#sockets[this.#socketCount++] = fd
      this.#firstOf[fd] = message
    } else this.#nextMessage[this.#lastOf[fd]!] = message
    this.#lastOf[fd] = message
  }

  #flushSocket(fd: number): void {
    let count = 0
    let vector = 0
    for (let message = this.#firstOf[fd]!; message !== NONE; message = this.#nextMessage[message]!) {
      this.#write(count++, message, vector)
      vector += this.#segments[message]!
    }
    let message = this.#firstOf[fd]!
    this.#firstOf[fd] = NONE
    let sent = 0
    while (sent < count) {
      const taken = this.#libc.sendmmsg(
        fd,
        this.#headers.address + MMSGHDR * sent,
        count - sent,
        MSG_DONTWAIT,
      )
      for (let i = 0; i < taken; i++, message = this.#nextMessage[message]!) this.#countSent(message)
      if (taken > 0) {
        sent += taken
        continue
      }
      const errno = this.#libc.errno()
      if (errno === EAGAIN || errno === ENOBUFS) {
        for (; message !== NONE; message = this.#nextMessage[message]!)
          this.#counters.sendDropped += this.#segments[message]!
        return
      }
      if (this.#segments[message]! > 1 && (errno === EIO || errno === EINVAL || errno === EMSGSIZE))
        this.#sendEach(fd, message)
      else this.#counters.sendErrors += this.#segments[message]!
      sent++
      message = this.#nextMessage[message]!
    }
  }

  #sendLone(route: Route): void {
    this.#lone = undefined
    const length = this.#loneLength
    const name = this.#nameOf(this.#loneKey, route)
    const sent = this.#libc.sendto(
      route.fd,
      this.#loneMemory.address + this.#loneOffset,
      length,
      MSG_DONTWAIT,
      name,
      nameLengthOf(route),
    )
    if (sent >= 0) {
      this.#counters.sent++
      this.#counters.sentBytes += length
      return
    }
    const errno = this.#libc.errno()
    if (errno === EAGAIN || errno === ENOBUFS) this.#counters.sendDropped++
    else this.#counters.sendErrors++
  }

  /** Where the kernel finds the address of a route. */
  #nameOf(key: number, route: Route): number {
    const at = SOCKADDR * key
    if (this.#named[key] !== route) {
      writeSocketAddress(this.#names.bytes, at, route.family, route.ip, route.port)
      while (this.#named.length <= key) this.#named.push(undefined)
      this.#named[key] = route
    }
    return this.#names.address + at
  }

  #countSent(message: number): void {
    this.#counters.sent += this.#segments[message]!
    this.#counters.sentBytes += this.#bytes[message]!
  }

  #write(at: number, message: number, vector: number): void {
    const words = this.#words
    const route = this.#routes[message]!
    const header = (MMSGHDR * at) >> 2
    this.#writePointer(header + (NAME_AT >> 2), this.#nameOf(this.#keys[message]!, route))
    words[header + (NAME_LENGTH_AT >> 2)] = nameLengthOf(route)
    const vectorAt = this.#vectorsAt + IOVEC * vector
    this.#writePointer(header + (IOV_AT >> 2), this.#headers.address + vectorAt)
    const segments = this.#segments[message]!
    words[header + (IOV_COUNT_AT >> 2)] = segments
    let entry = vectorAt >> 2
    for (let i = this.#first[message]!; i !== NONE; i = this.#next[i]!, entry += IOVEC >> 2) {
      this.#writePointer(entry, this.#addresses[i]!)
      words[entry + 2] = this.#lengths[i]!
    }
    words[header + (CONTROL_LENGTH_AT >> 2)] = segments > 1 ? CMSG_SPACE : 0
    if (segments > 1) words[(this.#controlsAt + CMSG_SPACE * at + 16) >> 2] = this.#segment[message]!
  }

  #writePointer(word: number, address: number): void {
    this.#words[word] = address >>> 0
    this.#words[word + 1] = address / 2 ** 32
  }

  /**
   * The kernel does not segment this message: the way out cannot, or a segment does not fit into one packet of it. Each
   * datagram by itself then, which may be cut into fragments as ever. Its room in the headers is its own message's:
   * those before have left.
   */
  #sendEach(fd: number, message: number): void {
    this.#plainUntil[this.#keys[message]!] = this.#stamp + PLAIN_FLUSHES
    const words = this.#words
    for (let i = this.#first[message]!; i !== NONE; i = this.#next[i]!) {
      const route = this.#routes[message]!
      this.#writePointer(NAME_AT >> 2, this.#nameOf(this.#keys[message]!, route))
      words[NAME_LENGTH_AT >> 2] = nameLengthOf(route)
      this.#writePointer(IOV_AT >> 2, this.#headers.address + this.#spareVectorAt)
      words[IOV_COUNT_AT >> 2] = 1
      const entry = this.#spareVectorAt >> 2
      this.#writePointer(entry, this.#addresses[i]!)
      words[entry + 2] = this.#lengths[i]!
      words[CONTROL_LENGTH_AT >> 2] = 0
      if (this.#libc.sendmmsg(fd, this.#headers.address, 1, MSG_DONTWAIT) === 1) {
        this.#counters.sent++
        this.#counters.sentBytes += this.#lengths[i]!
      } else this.#counters.sendErrors++
    }
  }
}

const nameLengthOf = ({ family }: Route): number => (family === 4 ? SOCKADDR_IN_LENGTH : SOCKADDR_IN6_LENGTH)
