import { equalBytes } from "../bytes/index.ts"
import type { Out } from "../contract/index.ts"
import { Attribute } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import { type Context, forbiddenPeer, namedPeer, type Refusal, type Request, refusal } from "./request.ts"

/**
 * The CreatePermission method (RFC 8656 §10.2): all peers that it names get a permission, or none does.
 * `permitted` is called for those that are new.
 */
export function createPermission(
  context: Context,
  allocation: Allocation,
  request: Request,
  now: number,
  out: Out<never>,
  permitted: (ip: Uint8Array) => void,
): Refusal | undefined {
  const { table, policy, responder, limits } = context
  const { message, to } = request
  const ips: Uint8Array[] = []
  let index = message.indexOf(Attribute.xorPeerAddress)
  if (index < 0) return refusal(400, "no XOR-PEER-ADDRESS")
  for (; index >= 0; index = message.indexOf(Attribute.xorPeerAddress, index + 1)) {
    const peer = namedPeer(message, index, allocation.family)
    if ("code" in peer) return peer
    // A permission is for all ports of an address (RFC 8656 §9). Firefox asks for it once, by whichever port its peer
    // named first; some ports of the address that we relay from may be peers, and each packet is judged by its own.
    const isWhereWeRelay = table.relaysAt(peer.ip)
    if (!isWhereWeRelay && policy.authorizePeer(peer.ip, peer.port) === "denied") return forbiddenPeer()
    if (!ips.some(ip => equalBytes(ip, peer.ip))) ips.push(peer.ip)
  }
  table.prune(allocation, now, out)
  const fresh = ips.filter(ip => allocation.permissionFor(ip, now) === undefined)
  if (allocation.permissions.length + fresh.length > limits.permissions) {
    return refusal(508, "limits.permissions")
  }
  for (const ip of ips) table.permit(allocation, ip, now)
  responder.success(to, out)
  for (const ip of fresh) permitted(ip)
  return undefined
}
