import { equalAddress } from "../bytes/index.ts"
import type { Out } from "../contract/index.ts"
import { Attribute } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import { type Channel, FIRST_CHANNEL } from "./channel.ts"
import { type Context, forbiddenPeer, namedPeer, type Refusal, type Request, refusal } from "./request.ts"

/**
 * The ChannelBind method (RFC 8656 §12.2): binds or refreshes a channel, and installs or refreshes the
 * peer's permission. `bound` is called for channels that are new.
 */
export function channelBind(
  context: Context,
  allocation: Allocation,
  request: Request,
  now: number,
  out: Out<never>,
  bound: (owner: Allocation, channel: Channel) => void,
): Refusal | undefined {
  const { table, policy, responder, limits } = context
  const { message, to } = request
  const value = message.uint32(Attribute.channelNumber)
  const peerAt = message.indexOf(Attribute.xorPeerAddress)
  if (value < 0 || peerAt < 0) return refusal(400, "no CHANNEL-NUMBER and XOR-PEER-ADDRESS")
  const number = value >>> 16
  if (number < FIRST_CHANNEL || number > context.lastChannel)
    return refusal(400, `no channel number: ${number}`)
  const named = namedPeer(message, peerAt, allocation)
  if ("code" in named) return named
  const { owner } = named
  if (owner.protocol !== "udp") return refusal(400, "a channel where TCP is relayed")
  if (policy.authorizePeer(named.peer.ip, named.peer.port) === "denied") return forbiddenPeer()
  const peer = named.peer.copy()
  // A permission may be asked for with any port; packets cannot be sent to this one.
  if (peer.port === 0) return refusal(400, "the peer has no port")

  for (const each of allocation.both) table.prune(each, now, out)
  // Live or cooling down: neither the number nor the peer may change partners (RFC 8656 §12).
  const known = owner.channels.get(number)
  const isTwins = owner.twin?.channels.get(number) !== undefined
  if (isTwins || (known !== undefined && !equalAddress(known.peer, peer)))
    return refusal(400, "the channel has another peer")
  if (known === undefined && owner.channels.ofPeer(peer) !== undefined) {
    return refusal(400, "the peer has another channel")
  }
  const isNewPermission = owner.permissionFor(peer.ip, now) === undefined
  if (isNewPermission && owner.permissions.length >= limits.permissions) {
    return refusal(508, "limits.permissions")
  }
  if (known === undefined && owner.channels.size >= limits.channels) return refusal(508, "limits.channels")

  table.permit(owner, peer.ip, now)
  if (known?.isLive(now)) table.refreshChannel(known, now)
  else {
    const channel = table.bindChannel(owner, number, peer, now, out)
    if (channel === undefined) return refusal(508, "the path table is full")
    bound(owner, channel)
  }
  responder.success(to, out)
  return undefined
}
