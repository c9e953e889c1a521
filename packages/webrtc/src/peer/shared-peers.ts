import type { Address } from "../bytes/index.ts"
import type { Out, Socket } from "../contract/index.ts"
import { SharedPort, type SharedPortEvent } from "../ice/index.ts"
import type { PeerEvent } from "./events.ts"
import type { PeerOptions } from "./options.ts"
import { Peer } from "./peer.ts"

export type SharedPeersOut = Out<SharedPortEvent<PeerEvent, Peer>>

/** Of a peer on sockets of its owner's: it asks no servers and binds nothing. */
export type SharedPeerOptions = Omit<PeerOptions, "ice"> & {
  readonly ice: Omit<PeerOptions["ice"], "servers" | "policy" | "tcp">
}

/** Many peers on the sockets of one owner, told apart by ufrag and address. */
export class SharedPeers extends SharedPort<PeerEvent, Peer> {
  /** A new peer, reached by `locals`: sockets of the owner, and the addresses that the other end is told. */
  addPeer(
    options: SharedPeerOptions,
    locals: readonly { readonly socket: Socket; readonly local: Address }[],
    now: number,
    out: SharedPeersOut,
  ): Peer {
    return this.add(
      ufrags => new Peer(options, ufrags),
      (peer, out) => {
        for (const { socket, local } of locals) peer.gatherOn(socket, local, now, out)
      },
      out,
    )
  }
}
