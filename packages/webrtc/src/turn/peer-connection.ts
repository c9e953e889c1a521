import type { Address } from "../bytes/index.ts"
import type { Due } from "../contract/index.ts"
import { NO_PATH, type Path } from "../contract/index.ts"
import type { Allocation } from "./allocation.ts"
import type { ReplyTo } from "./responder.ts"

/**
 * RFC 6062 §5.2, §5.3: who is not bound to a client data connection is closed "after 30 seconds". In ms.
 */
export const CONNECTION_BIND_TIME = 30_000

/** A Connect that the driver has not answered yet. */
export interface UnderWay {
  /** Of what was asked of the driver. */
  readonly id: number
  readonly to: ReplyTo
  /** Whether it leaves from the relayed port. */
  readonly isFromRelayed: boolean
}

/**
 * A TCP connection between a relayed transport address and a peer: what RFC 6062 §3 calls the peer data connection, and
 * the client data connection once that is bound to it.
 */
export class PeerConnection implements Due {
  readonly allocation: Allocation
  /** As the client knows it. There is one connection to each of an allocation's peers (§3). */
  readonly peer: Address
  /** While it is being made. */
  underWay: UnderWay | undefined = undefined
  /** CONNECTION-ID (§6.2.1), once it stands. */
  id = 0
  /** To the peer, held, once it stands. */
  path: Path = NO_PATH
  /** The client data connection, held, once it is bound. */
  data: Path = NO_PATH
  bytesToPeer = 0
  bytesToClient = 0
  due: number = Infinity
  place = -1

  constructor(allocation: Allocation, peer: Address) {
    this.allocation = allocation
    this.peer = peer
  }

  /** Whether it stands, and waits for its ConnectionBind. */
  get isPending(): boolean {
    return this.path !== NO_PATH && this.data === NO_PATH
  }
}
