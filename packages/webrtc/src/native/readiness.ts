import { demand, type Libc } from "./libc.ts"
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_DATA_AT,
  EPOLL_EVENT,
  EPOLLET,
  EPOLLIN,
} from "./linux.ts"
import { Memory } from "./memory.ts"

/**
 * Which of many descriptors can be read (epoll(7)), edge-triggered: a descriptor is told of when something comes in, and
 * not again for what was left of it. The kernel would else look again, before each wait, at all that it last told of.
 */
export class Readiness {
  readonly #libc: Libc
  readonly #fd: number
  readonly #capacity: number
  readonly #events: Memory
  readonly #words: Int32Array

  /** Throws where the process has no descriptor left. */
  constructor(libc: Libc, capacity: number) {
    this.#libc = libc
    this.#capacity = capacity
    this.#fd = demand(libc, "epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC))
    this.#events = new Memory(libc, EPOLL_EVENT * capacity)
    this.#words = new Int32Array(this.#events.bytes.buffer)
  }

  /** Throws where the system watches no more of them. */
  add(fd: number): void {
    this.#events.view.setUint32(0, EPOLLIN + EPOLLET, true)
    this.#events.view.setInt32(EPOLL_DATA_AT, fd, true)
    const added = this.#libc.epoll_ctl(this.#fd, EPOLL_CTL_ADD, fd, this.#events.address)
    // A socket that nobody is told of would be deaf, and nobody would know why.
    demand(this.#libc, "epoll_ctl", added)
  }

  remove(fd: number): void {
    this.#libc.epoll_ctl(this.#fd, EPOLL_CTL_DEL, fd, this.#events.address)
  }

  /** Blocks the thread until something can be read, for `timeout` ms at most; returns how many can. */
  wait(timeout: number): number {
    return this.#libc.epoll_wait(this.#fd, this.#events.address, this.#capacity, timeout)
  }

  /** The descriptor `i` of those that the last `wait` told of. */
  ready(i: number): number {
    return this.#words[(EPOLL_EVENT * i + EPOLL_DATA_AT) >> 2]!
  }

  close(): void {
    this.#libc.close(this.#fd)
  }
}
