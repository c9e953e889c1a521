import type { Libc } from "./libc.ts"
import {
  AF_INET,
  IP_MTU_DISCOVER,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  PMTUDISC_DO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from "./linux.ts"
import { Memory } from "./memory.ts"

/**
 * Whether what a socket sends may be cut into fragments where it does not fit: as the system has it, mostly yes, or not
 * at all, with the DF bit set (IP_MTU_DISCOVER of ip(7), IPV6_MTU_DISCOVER of ipv6(7)). There is no way to say it of one
 * datagram alone.
 */
export class Fragmentation {
  readonly #libc: Libc
  /** The option's value, then its length. */
  readonly #option: Memory

  constructor(libc: Libc) {
    this.#libc = libc
    this.#option = new Memory(libc, 8)
  }

  /** Whether the system lets it be forbidden. */
  static canBeForbidden(libc: Libc): boolean {
    const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    if (fd < 0) return false
    const fragmentation = new Fragmentation(libc)
    const was = fragmentation.forbid(fd, 4)
    const isForbidden = was !== undefined && fragmentation.forbid(fd, 4) === PMTUDISC_DO
    libc.close(fd)
    return isForbidden
  }

  /** Forbids it, to addresses of a family. Returns what `restore` wants; `undefined` where the system refuses. */
  forbid(fd: number, family: 4 | 6): number | undefined {
    const { view, address } = this.#option
    view.setUint32(4, 4, true)
    const [level, name] = optionOf(family)
    if (this.#libc.getsockopt(fd, level, name, address, address + 4) !== 0) return undefined
    const was = view.getInt32(0, true)
    return this.#set(fd, family, PMTUDISC_DO) ? was : undefined
  }

  restore(fd: number, family: 4 | 6, was: number): void {
    this.#set(fd, family, was)
  }

  #set(fd: number, family: 4 | 6, value: number): boolean {
    const { view, address } = this.#option
    view.setInt32(0, value, true)
    const [level, name] = optionOf(family)
    return this.#libc.setsockopt(fd, level, name, address, 4) === 0
  }
}

function optionOf(family: 4 | 6): readonly [level: number, name: number] {
  return family === 4 ? [IPPROTO_IP, IP_MTU_DISCOVER] : [IPPROTO_IPV6, IPV6_MTU_DISCOVER]
}
