import { type Address, equalAddress } from "../bytes/index.ts"
import type { Path, Socket } from "../contract/index.ts"
import { type Candidate, candidatePriority } from "./candidate.ts"
import type { IceOut } from "./events.ts"

/** Where a local candidate sends from and hears at (RFC 8445 §4). Pairs are of a base and a remote candidate. */
export interface Base {
  /** Of type host or relay. */
  readonly candidate: Candidate
  /** 0 for the address that is liked best. */
  readonly rank: number
  /** Whether what is sent arrives or the stream ends, so that nothing is sent twice (RFC 8489 §6.2.2). */
  readonly isReliable: boolean
  /** Whether it can speak to such an address at all. */
  reaches(remote: Candidate): boolean
  /**
   * Of a pair with `remote`, which holds it; `NO_PATH` where pairs have none of their own (a relay), and while there is no
   * connection yet.
   */
  open(remote: Address, out: IceOut): Path
  /** Whether what is sent now can arrive: a relay needs a permission first (RFC 8445 §7.2.1). */
  isReady(remote: Address): boolean
  /** Room for `max` bytes; -1 where nothing can be sent. */
  reserve(remote: Address, path: Path, max: number, now: number, out: IceOut): number
  /** Sends the first `length` bytes of the last `reserve`. */
  commit(length: number, out: IceOut): void
}

/** One of our UDP sockets. */
export class SocketBase implements Base {
  readonly candidate: Candidate
  readonly rank: number
  readonly socket: Socket
  readonly isReliable = false

  constructor(candidate: Candidate, rank: number, socket: Socket) {
    this.candidate = candidate
    this.rank = rank
    this.socket = socket
  }

  reaches(remote: Candidate): boolean {
    const { address } = this.candidate
    // Many homes use the same addresses: what is ours here is theirs there, and we would speak to ourselves.
    if (remote.transport !== "udp" || equalAddress(address, remote.address)) return false
    return isSameNetwork(address.ip, remote.address.ip)
  }

  open(remote: Address, out: IceOut): Path {
    return out.paths.open(this.socket, remote)
  }

  isReady(): boolean {
    return true
  }

  reserve(_remote: Address, path: Path, max: number, _now: number, out: IceOut): number {
    return out.reserve(path, max)
  }

  commit(length: number, out: IceOut): void {
    out.commit(length)
  }
}

/** RFC 8445 §6.1.2.2: of one family, and link-local addresses with each other alone. */
export function isSameNetwork(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && isLinkLocal(a) === isLinkLocal(b)
}

/** fe80::/10. A link-local IPv4 address may speak to its whole link, whatever the others' addresses. */
function isLinkLocal(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80
}

/** What PRIORITY says in a check from a base: as if it were peer reflexive (RFC 8445 §7.1.1). */
export function reflexivePriority({ candidate, rank }: Base): number {
  const { tcpType, relayTransport } = candidate
  return candidatePriority({
    type: "prflx",
    rank,
    ...(tcpType === undefined ? {} : { tcpType }),
    ...(relayTransport === undefined ? {} : { relayTransport }),
  })
}
