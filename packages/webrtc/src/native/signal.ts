import { demand, type Libc } from "./libc.ts"
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_VALUE } from "./linux.ts"
import { Memory } from "./memory.ts"

/**
 * What one thread wakes another by, which waits for sockets (eventfd(2)). The descriptor is the process's: any thread
 * may make a `Signal` of the same number.
 */
export class Signal {
  readonly fd: number
  readonly #libc: Libc
  readonly #value: Memory

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc
    this.fd = fd
    this.#value = new Memory(libc, EFD_VALUE)
  }

  /** Throws where the process has no descriptor left. */
  static create(libc: Libc): Signal {
    return new Signal(libc, demand(libc, "eventfd", libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)))
  }

  /** The signal that another thread created, while that has it open. */
  static of(libc: Libc, fd: number): Signal {
    return new Signal(libc, fd)
  }

  /** Until it is cleared, the descriptor can be read. */
  raise(): void {
    this.#value.view.setBigUint64(0, 1n, true)
    this.#libc.write(this.fd, this.#value.address, EFD_VALUE)
  }

  clear(): void {
    this.#libc.read(this.fd, this.#value.address, EFD_VALUE)
  }

  close(): void {
    this.#libc.close(this.fd)
  }
}
