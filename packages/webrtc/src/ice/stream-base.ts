import { type Address, equalAddress, writeUint16 } from "../bytes/index.ts"
import { type Datagram, NO_PATH, type Path } from "../contract/index.ts"
import { type Base, isSameNetwork } from "./base.ts"
import type { Candidate } from "./candidate.ts"
import type { IceOut } from "./events.ts"
import { LENGTH_FIELD } from "./tcp-framing.ts"

/** Asks for a connection; `connected` or `failed` of the base is called in answer. */
export type Connect = (base: StreamBase, remote: Address, out: IceOut) => void

/**
 * What an address of ours connects from ("active") or is connected to ("passive") over TCP (RFC 6544). Each remote
 * address has a stream of its own.
 */
export class StreamBase implements Base {
  readonly candidate: Candidate
  readonly rank: number
  readonly isReliable = true
  readonly #connect: Connect
  readonly #streams: { readonly remote: Address; readonly path: Path }[] = []
  #frameAt = 0

  constructor(candidate: Candidate, rank: number, connect: Connect) {
    this.candidate = candidate
    this.rank = rank
    this.#connect = connect
  }

  /** RFC 6544 §6.2: active with passive. To be connected to is enough to reach whoever did. */
  reaches(remote: Candidate): boolean {
    if (remote.transport !== "tcp" || !isSameNetwork(this.candidate.address.ip, remote.address.ip))
      return false
    if (this.candidate.tcpType === "active") return remote.tcpType === "passive"
    return this.#pathTo(remote.address) !== NO_PATH
  }

  open(remote: Address, out: IceOut): Path {
    const path = this.#pathTo(remote)
    if (path === NO_PATH && this.candidate.tcpType === "active") this.#connect(this, remote, out)
    return path
  }

  isReady(remote: Address): boolean {
    return this.#pathTo(remote) !== NO_PATH
  }

  /** Room behind a length that is not known yet. */
  reserve(_remote: Address, path: Path, max: number, _now: number, out: IceOut): number {
    if (path === NO_PATH) return -1
    this.#frameAt = out.reserve(path, LENGTH_FIELD + max)
    return this.#frameAt + LENGTH_FIELD
  }

  commit(length: number, out: IceOut): void {
    writeUint16(out.bytes, this.#frameAt, length)
    out.commit(length === 0 ? 0 : LENGTH_FIELD + length)
  }

  /** Takes the length off a frame that came. */
  unframe(d: Datagram): void {
    d.offset += LENGTH_FIELD
    d.length -= LENGTH_FIELD
  }

  /** There is a stream; its path is held. */
  connected(remote: Address, path: Path, out: IceOut): void {
    out.paths.hold(path)
    this.#streams.push({ remote, path })
  }

  /** Of its streams, the oldest first. */
  get paths(): readonly Path[] {
    return this.#streams.map(({ path }) => path)
  }

  /** Ends a stream. */
  end(path: Path, out: IceOut): void {
    const socket = out.paths.socket(path)
    this.lost(path, out)
    out.ask({ type: "close", socket })
  }

  /** A stream is no more. */
  lost(path: Path, out: IceOut): void {
    const at = this.#streams.findIndex(stream => stream.path === path)
    if (at < 0) return
    this.#streams.splice(at, 1)
    out.paths.release(path)
  }

  /** Ends every stream. */
  close(out: IceOut): void {
    for (const path of this.paths) this.end(path, out)
  }

  #pathTo(remote: Address): Path {
    return this.#streams.find(stream => equalAddress(stream.remote, remote))?.path ?? NO_PATH
  }
}
