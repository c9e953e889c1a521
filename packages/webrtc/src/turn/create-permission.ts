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
  permitted: (owner: Allocation, ip: Uint8Array) => void,
): Refusal | undefined {
  const { table, policy, responder, limits } = context
  const { message, to } = request
  const wanted: { owner: Allocation; ip: Uint8Array }[] = []
  let index = message.indexOf(Attribute.xorPeerAddress)
  if (index < 0) return refusal(400, "no XOR-PEER-ADDRESS")
  for (; index >= 0; index = message.indexOf(Attribute.xorPeerAddress, index + 1)) {
    const named = namedPeer(message, index, allocation)
    if ("code" in named) return named
    const { peer, owner } = named
    // A permission is for all ports of an address (RFC 8656 §9). Firefox asks for it once, by whichever port its peer
    // named first; some ports of the address that we relay from may be peers, and each packet is judged by its own.
    const isWhereWeRelay = table.relaysAt(peer.ip)
    if (!isWhereWeRelay && policy.authorizePeer(peer.ip, peer.port) === "denied") return forbiddenPeer()
    if (!wanted.some(({ ip }) => equalBytes(ip, peer.ip))) wanted.push({ owner, ip: peer.ip })
  }
  for (const each of allocation.both) table.prune(each, now, out)
  const fresh = wanted.filter(({ owner, ip }) => owner.permissionFor(ip, now) === undefined)
  for (const each of allocation.both) {
    const more = fresh.filter(({ owner }) => owner === each).length
    if (each.permissions.length + more > limits.permissions) return refusal(508, "limits.permissions")
  }
  for (const { owner, ip } of wanted) table.permit(owner, ip, now)
  responder.success(to, out)
  for (const { owner, ip } of fresh) permitted(owner, ip)
  return undefined
}
