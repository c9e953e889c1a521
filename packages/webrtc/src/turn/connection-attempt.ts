import { type Address, equalBytes } from "../bytes/index.ts"
import type { Out, Path } from "../contract/index.ts"
import { Attribute, MessageClass, Method, StunWriter } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { AllocationTable } from "./allocation-table.ts"
import type { PeerConnection } from "./peer-connection.ts"
import type { RandomPool } from "./random-pool.ts"
import type { Context } from "./request.ts"

/** Room for the indication, with an IPv6 peer. */
const LENGTH = 64

/**
 * A peer connected to a relayed transport address (RFC 6062 §5.3): the client is told by a ConnectionAttempt indication, or
 * the connection is closed at once. `unpermitted` is called where there is no permission for the peer.
 */
export function connectionAttempt(
  context: Context,
  allocation: Allocation,
  path: Path,
  random: RandomPool,
  now: number,
  out: Out<never>,
  unpermitted: (peer: Address) => void,
): void {
  const { table, policy, limits, connections } = context
  const peer = asRelayed(table, out.paths.remote(path))
  const isPermitted = allocation.permissionFor(peer.ip, now) !== undefined
  if (!isPermitted) unpermitted(peer)
  if (
    !isPermitted ||
    policy.authorizePeer(peer.ip, peer.port, "tcp") === "denied" ||
    connections.countOf(allocation) >= limits.connections ||
    connections.countOfUser(allocation.user) >= limits.connectionsPerUser ||
    connections.find(allocation, peer) !== undefined
  ) {
    out.ask({ type: "close", socket: out.paths.socket(path) })
    return
  }
  const connection = connections.add(allocation, peer)
  connections.open(connection, path, "peer", now, out)
  indicate(connection, random, out)
}

/** How clients know who comes from where one of our own relayed addresses is bound. */
function asRelayed(table: AllocationTable, { ip, port }: Address): Address {
  const relay = table.relays(ip.length === 4 ? 4 : 6)
  const sender = relay && table.relayedFrom(relay.ip, port, "tcp")
  return sender !== undefined && equalBytes(sender.reachable.ip, ip) ? sender.relayed : { ip, port }
}

function indicate({ allocation, peer, id }: PeerConnection, random: RandomPool, out: Out<never>): void {
  const at = out.reserve(allocation.client, LENGTH)
  const writer = new StunWriter()
  const idAt = random.take(12)
  writer.begin(out.bytes, at, LENGTH, MessageClass.indication, Method.connectionAttempt, random.bytes, idAt)
  writer.uint32(Attribute.connectionId, id)
  writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
  out.commit(writer.end())
}
