import type { Address } from "../bytes/index.ts"
import type { Flow } from "./flow.ts"
import type { Framing } from "./framing.ts"
import type { Path, Socket } from "./path.ts"

/** What a machine on sockets may ask of its driver. */
export type Request =
  /** Bind a UDP socket. Answered by `bound` or `failed` with the same `id`, as all that have one. */
  | ({ readonly type: "bind"; readonly port: number } & At)
  /**
   * Listen for TCP connections on `port`, 0 for any. Answered by `listening` or `failed`, and from then on by `accepted`
   * for each connection. A stream without `framing` is not read from until it is joined.
   */
  | ({ readonly type: "listen"; readonly port: number; readonly framing?: Framing } & At)
  /**
   * Open a stream to `remote`, from `port` if one is named: where a `listen` of ours has it, the platform must let it be
   * shared, or it is `in-use`. `tls`: with a certificate that is good for `serverName`, or for the IP address without one.
   * Answered by `connected` or `failed`.
   */
  | ({
      readonly type: "connect"
      readonly port?: number
      readonly remote: Address
      readonly transport: "tcp" | "tls"
      readonly serverName?: string
      /** ALPN (RFC 7301), the preferred one first: `stun.turn` (RFC 7443). */
      readonly protocols?: readonly string[]
      readonly framing?: Framing
    } & At)
  /** Give up a `connect` that was not answered; it never will be. Of one that was, nothing happens. */
  | { readonly type: "abandon"; readonly id: number }
  /**
   * From now on what arrives on each of two streams leaves on the other as it came, framed or not, with what came behind
   * the last frame first. Who reads slowly slows the other down. As one ends so does the other, once what came before has
   * left; both are told of by `closed`. To close one is to close both, of which nothing is told.
   */
  | { readonly type: "join"; readonly paths: readonly [Path, Path]; readonly flow?: Flow }
  /**
   * Close a socket that was bound or listens for this machine, or a stream (`paths.socket` of its path). What was sent
   * before still leaves; connections that were accepted stay. Not answered; nothing is received from it any more. Its
   * number may be given to another: release the paths on it first.
   */
  | { readonly type: "close"; readonly socket: Socket }

/** Where something is asked for. */
interface At {
  /** Of what waits for an answer, each another. */
  readonly id: number
  readonly family: 4 | 6
  /** The local address, of that family. Default: whichever the driver binds to, which may be all. */
  readonly ip?: Uint8Array
}

export type Reply =
  | { readonly type: "bound"; readonly id: number; readonly socket: Socket; readonly local: Address }
  | { readonly type: "listening"; readonly id: number; readonly socket: Socket; readonly local: Address }
  /** A connection to what `listen` asked for. Its path is as one of `connected`. */
  | { readonly type: "accepted"; readonly id: number; readonly path: Path }
  /** The path is the stream's for as long as it lives; one that the machine does not hold may soon be closed. */
  | { readonly type: "connected"; readonly id: number; readonly path: Path; readonly local: Address }
  | { readonly type: "failed"; readonly id: number; readonly reason: SocketFailure }

/**
 * - `in-use`: another port may do; of a `connect`, also where the same two ends are connected already.
 * - `refused`: of `bind` and `listen` that no port will do, as the address is not ours or the system is out of sockets; of
 *   a `connect` that nobody listens there, or that who does broke it off.
 *
 * And of a `connect` alone:
 * - `unreachable`: no way leads there, from this address.
 * - `timed-out`: there was no answer.
 * - `untrusted`: the certificate is not to be trusted, or not for this name.
 * - `exhausted`: too many are under way, or no path or socket is left.
 */
export type SocketFailure = "in-use" | "refused" | "unreachable" | "timed-out" | "untrusted" | "exhausted"
