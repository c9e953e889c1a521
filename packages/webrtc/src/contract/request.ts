import type { Address } from "../bytes/index.ts"
import type { Socket } from "./path.ts"

/** What a machine on sockets may ask of its driver. */
export type Request =
  /** Bind a UDP socket of `family` to `port`. Answered by `bound` or `failed` with the same `id`. */
  | { readonly type: "bind"; readonly id: number; readonly family: 4 | 6; readonly port: number }
  /**
   * Close a socket that was bound for this machine, or a stream (`paths.socket` of its path). What was sent before
   * still leaves. Not answered; nothing is received from it any more. Its number may be given to another: release the
   * paths on it first.
   */
  | { readonly type: "close"; readonly socket: Socket }

export type Reply =
  | { readonly type: "bound"; readonly id: number; readonly socket: Socket; readonly local: Address }
  | { readonly type: "failed"; readonly id: number; readonly reason: BindFailure }

/** `in-use`: another port may do. `refused`: no port will, the address is not ours or the system is out of sockets. */
export type BindFailure = "in-use" | "refused"
