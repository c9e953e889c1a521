import { equalAddress } from "../bytes/index.ts"
import type { Out, Path, SocketFailure } from "../contract/index.ts"
import { Attribute } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { PeerConnection } from "./peer-connection.ts"
import { type Context, forbiddenPeer, namedPeer, type Refusal, type Request, refusal } from "./request.ts"

/** A Connect that came to nothing after all, and who was told so. */
export interface RefusedConnect {
  readonly client: Path
  readonly allocation: Allocation
  readonly refused: Refusal
}

/** The Connect method (RFC 6062 §5.2). Its answer has to wait for the peer's. */
export class Connect {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  handle(allocation: Allocation, request: Request, out: Out<never>): Refusal | undefined {
    const { policy, limits, connections } = this.#context
    const { message, to } = request
    const peerAt = message.indexOf(Attribute.xorPeerAddress)
    if (peerAt < 0) return refusal(400, "no XOR-PEER-ADDRESS")
    const named = namedPeer(message, peerAt, allocation)
    if ("code" in named) return named
    const { owner } = named
    const peer = named.peer.copy()
    if (owner.protocol !== "tcp") return refusal(437, "the allocation is relayed over UDP")
    // Unlike a peer's own attempt (§5.3) it needs no permission: who asks for it names the peer.
    if (policy.authorizePeer(peer.ip, peer.port, "tcp") === "denied") return forbiddenPeer()
    if (equalAddress(peer, owner.relayed)) return refusal(403, "the allocation's own address")
    if (peer.port === 0) return refusal(400, "the peer has no port")
    if (connections.find(owner, peer) !== undefined) return refusal(446, "there is a connection to this peer")
    if (connections.countOf(owner) >= limits.connections) return refusal(508, "limits.connections")
    if (connections.countOfUser(owner.user) >= limits.connectionsPerUser)
      return refusal(508, "limits.connectionsPerUser")
    this.#ask(connections.add(owner, peer), to, true, out)
    return undefined
  }

  /** The connection stands. */
  connected(id: number, path: Path, now: number, out: Out<never>): void {
    const { connections, responder } = this.#context
    const connection = connections.underWay(id)
    if (connection?.underWay === undefined) {
      out.ask({ type: "close", socket: out.paths.socket(path) })
      return
    }
    const { to } = connection.underWay
    connections.answered(connection)
    connections.open(connection, path, "client", now, out)
    responder.success(to, out, writer => writer.uint32(Attribute.connectionId, connection.id))
  }

  /** There is none. Returns who was refused, unless it is tried otherwise, or was no Connect. */
  failed(id: number, reason: SocketFailure, now: number, out: Out<never>): RefusedConnect | undefined {
    const { connections, responder } = this.#context
    const connection = connections.underWay(id)
    if (connection?.underWay === undefined) return undefined
    const { to, isFromRelayed } = connection.underWay
    connections.answered(connection)
    if (reason === "in-use" && isFromRelayed) {
      this.#ask(connection, to, false, out)
      return undefined
    }
    const { allocation } = connection
    connections.free(connection, "closed", now, out)
    responder.error(to, 447, out)
    return { client: to.client, allocation, refused: refusal(447, `the peer: ${reason}`) }
  }

  #ask(connection: PeerConnection, to: Request["to"], isFromRelayed: boolean, out: Out<never>): void {
    const { table, connections } = this.#context
    const { peer } = connection
    // A relayed address of ours is reached where it is bound, whether or not the announced one leads there.
    const remote = table.relayedFrom(peer.ip, peer.port, "tcp")?.reachable ?? peer
    connections.ask(connection, remote, to, isFromRelayed, out)
  }
}
