import { type Address, formatAddress, formatIp } from "../bytes/index.ts"
import type { Evidence, Out, Path, TurnEvidence } from "../contract/index.ts"
import { Method } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { Channel } from "./channel.ts"
import type { Counters } from "./counters.ts"
import type { FreedReason } from "./event.ts"
import { EvidenceBudget } from "./evidence-budget.ts"
import type { TurnLimits } from "./options.ts"
import type { PeerConnection } from "./peer-connection.ts"
import type { Refusal } from "./request.ts"

type AnyOut = Out<never>

/** Methods that are refused, as they are told. */
const METHOD_NAMES: ReadonlyMap<number, string> = new Map([
  [Method.allocate, "Allocate"],
  [Method.refresh, "Refresh"],
  [Method.createPermission, "CreatePermission"],
  [Method.channelBind, "ChannelBind"],
  [Method.connect, "Connect"],
  [Method.connectionBind, "ConnectionBind"],
])

/** What the server notes as evidence, and how much of what a stranger or a peer can cause at will. */
export class Notes {
  readonly #counters: Counters
  readonly #limits: TurnLimits
  readonly #refusals: EvidenceBudget
  readonly #connections: EvidenceBudget

  constructor(counters: Counters, limits: TurnLimits) {
    this.#counters = counters
    this.#limits = limits
    this.#refusals = new EvidenceBudget(limits.refusalsNotedPerSecond)
    this.#connections = new EvidenceBudget(limits.connectionsNotedPerSecond)
  }

  allocated({ number, client, transport, username, relayed, lifetime }: Allocation, out: AnyOut): void {
    out.note({
      layer: "turn",
      kind: "allocated",
      allocation: number,
      client: formatAddress(out.paths.remote(client)),
      transport,
      username: new TextDecoder().decode(username),
      relayed: formatAddress(relayed),
      lifetime,
    })
  }

  freed({ number, bytesToPeers, bytesToClient }: Allocation, reason: FreedReason, out: AnyOut): void {
    out.note({ layer: "turn", kind: "freed", allocation: number, reason, bytesToPeers, bytesToClient })
  }

  permitted(allocation: Allocation, ip: Uint8Array, out: AnyOut): void {
    out.note({ layer: "turn", kind: "permitted", allocation: allocation.number, peer: formatIp(ip) })
  }

  boundChannel({ number }: Allocation, channel: Channel, out: AnyOut): void {
    const peer = formatAddress(channel.peer)
    out.note({ layer: "turn", kind: "bound-channel", allocation: number, channel: channel.number, peer })
  }

  moved({ number, client, transport }: Allocation, out: AnyOut): void {
    const at = formatAddress(out.paths.remote(client))
    out.note({ layer: "turn", kind: "moved", allocation: number, client: at, transport })
  }

  unpermitted(allocation: Allocation, peer: Address, out: AnyOut): void {
    if (!allocation.isUnpermittedNews(peer.ip, this.#limits.unpermittedPeersNoted)) return
    out.note({
      layer: "turn",
      kind: "unpermitted-peer",
      allocation: allocation.number,
      peer: formatIp(peer.ip),
    })
  }

  refused(
    client: Path,
    method: number,
    { code, why }: Pick<Refusal, "code" | "why">,
    now: number,
    out: AnyOut,
    allocation?: Allocation,
  ): void {
    this.#noteWithin(this.#refusals, now, out, () => ({
      layer: "turn",
      kind: "refused",
      client: formatAddress(out.paths.remote(client)),
      method: METHOD_NAMES.get(method) ?? "",
      code,
      why,
      ...(allocation === undefined ? {} : { allocation: allocation.number }),
    }))
  }

  peerConnected(connection: PeerConnection, by: "client" | "peer", now: number, out: AnyOut): void {
    this.#noteWithin(this.#connections, now, out, () => ({
      layer: "turn",
      kind: "peer-connected",
      ...namesOf(connection),
      by,
    }))
  }

  connectionBound(connection: PeerConnection, now: number, out: AnyOut): void {
    this.#noteWithin(this.#connections, now, out, () => ({
      layer: "turn",
      kind: "connection-bound",
      ...namesOf(connection),
      client: formatAddress(out.paths.remote(connection.data)),
      transport: out.paths.transport(connection.data),
    }))
  }

  peerDisconnected(
    connection: PeerConnection,
    reason: Extract<TurnEvidence, { kind: "peer-disconnected" }>["reason"],
    now: number,
    out: AnyOut,
  ): void {
    const { bytesToPeer, bytesToClient } = connection
    this.#noteWithin(this.#connections, now, out, () => ({
      layer: "turn",
      kind: "peer-disconnected",
      ...namesOf(connection),
      reason,
      bytesToPeer,
      bytesToClient,
    }))
  }

  #noteWithin(budget: EvidenceBudget, now: number, out: AnyOut, evidence: () => Evidence): void {
    if (budget.take(now)) out.note(evidence())
    else this.#counters.evidenceSuppressed++
  }
}

function namesOf({ allocation, peer }: PeerConnection): { allocation: number; peer: string } {
  return { allocation: allocation.number, peer: formatAddress(peer) }
}
