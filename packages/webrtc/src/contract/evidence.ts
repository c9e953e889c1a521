import type { Transport } from "./path.ts"

/**
 * Evidence: what a machine saw and decided, as small structured events. Rare by nature: a packet is
 * never evidence, an allocation or a refused permission is. The timeline, the doctor and the traces read
 * nothing else, but for `counters()`, which hold what happens per packet.
 *
 * The schema is versioned as a whole. Adding a kind or an optional field keeps the version; a change of
 * meaning raises it. `docs/evidence.md` lists every kind.
 */
export const EVIDENCE_VERSION = 1

export type Evidence = TurnEvidence | SignalingEvidence | IceEvidence | DtlsEvidence

/** Fields that all evidence has. Who collects it adds the time and the process. */
interface Kind<Layer extends string, Name extends string> {
  readonly layer: Layer
  readonly kind: Name
}

/** Addresses are text (`203.0.113.1:49152`), names are as received: whoever shows them escapes them. */
export type TurnEvidence =
  | (Kind<"turn", "allocated"> & {
      readonly allocation: number
      readonly client: string
      /** What the client reaches the server over. */
      readonly transport: Transport
      readonly username: string
      readonly relayed: string
      /** Seconds. */
      readonly lifetime: number
    })
  | (Kind<"turn", "freed"> & {
      readonly allocation: number
      readonly reason: "expired" | "refresh-zero" | "connection-closed" | "revoked" | "server-closed"
      readonly bytesToPeers: number
      readonly bytesToClient: number
    })
  | (Kind<"turn", "permitted"> & { readonly allocation: number; readonly peer: string })
  | (Kind<"turn", "bound-channel"> & {
      readonly allocation: number
      readonly channel: number
      readonly peer: string
    })
  /** The client goes on from another address (RFC 8016). */
  | (Kind<"turn", "moved"> & {
      readonly allocation: number
      readonly client: string
      readonly transport: Transport
    })
  /** A request was answered with an error (RFC 8656 §19), `code` 300–699. `allocation` where one is known. */
  | (Kind<"turn", "refused"> & {
      readonly client: string
      readonly method: string
      readonly code: number
      readonly why: string
      readonly allocation?: number
    })
  /** A TCP connection to a peer stands (RFC 6062): the client asked for it, or the peer came. */
  | (Kind<"turn", "peer-connected"> & {
      readonly allocation: number
      readonly peer: string
      readonly by: "client" | "peer"
    })
  /** The client's connection carries the bytes of a peer's from now on. */
  | (Kind<"turn", "connection-bound"> & {
      readonly allocation: number
      readonly peer: string
      readonly client: string
      readonly transport: Transport
    })
  | (Kind<"turn", "peer-disconnected"> & {
      readonly allocation: number
      readonly peer: string
      /** `not-bound`: the client did not come for it in time. */
      readonly reason: "closed" | "not-bound" | "allocation-freed"
      readonly bytesToPeer: number
      readonly bytesToClient: number
    })
  /** The first packet from a peer that no permission covers: dropped, counted, told once per allocation and peer address. */
  | (Kind<"turn", "unpermitted-peer"> & { readonly allocation: number; readonly peer: string })

export type SignalingEvidence =
  | (Kind<"signaling", "joined"> & {
      readonly room: string
      readonly participant: string
      readonly client: string
    })
  | (Kind<"signaling", "waiting"> & {
      readonly room: string
      readonly participant: string
      readonly client: string
    })
  | (Kind<"signaling", "rejoined"> & {
      readonly room: string
      readonly participant: string
      readonly client: string
    })
  | (Kind<"signaling", "detached"> & {
      readonly room: string
      readonly participant: string
      readonly why: string
    })
  | (Kind<"signaling", "left"> & {
      readonly room: string
      readonly participant: string
      readonly why: string
    })
  | (Kind<"signaling", "refused"> & { readonly client: string; readonly code: string; readonly why: string })
  | (Kind<"signaling", "relayed"> & {
      readonly room: string
      readonly from: string
      readonly to: string
      readonly what: "offer" | "answer" | "candidate" | "end-of-candidates"
      readonly generation: number
    })

/** `pair` numbers a pair of one agent; `generation` counts from 0 and is raised by a restart. */
export type IceEvidence =
  | (Kind<"ice", "candidate"> & {
      readonly side: "local" | "remote"
      readonly generation: number
      readonly type: "host" | "srflx" | "prflx" | "relay"
      readonly transport: "udp" | "tcp"
      readonly address: string
      readonly priority: number
      /** Of our own: who told it, and over what. */
      readonly server?: string
      readonly serverTransport?: Transport
      readonly related?: string
    })
  /** A candidate that was told and not taken. */
  | (Kind<"ice", "candidate-ignored"> & { readonly generation: number; readonly why: string })
  /** A server, or a socket of ours, that gave no candidate. `code` where it answered with an error. */
  | (Kind<"ice", "gathering-failed"> & {
      readonly local: string
      readonly server?: string
      readonly serverTransport?: Transport
      readonly why: string
      readonly code?: number
    })
  | (Kind<"ice", "gathered"> & { readonly generation: number; readonly candidates: number })
  /** The other end says that it told all of its candidates. */
  | (Kind<"ice", "remote-gathered"> & { readonly generation: number; readonly candidates: number })
  | (Kind<"ice", "paired"> & {
      readonly generation: number
      readonly pair: number
      readonly local: string
      readonly remote: string
    })
  | (Kind<"ice", "pair-state"> & {
      readonly pair: number
      readonly state: "frozen" | "waiting" | "in-progress" | "succeeded" | "failed"
      readonly why: string
    })
  /** A request of ours that is not for consent; `attempt` counts from 1. */
  | (Kind<"ice", "check-sent"> & {
      readonly pair: number
      readonly attempt: number
      readonly nominating: boolean
    })
  /** `roundTrip` in ms, where it is certain. `mapped` is where the other end sees us. */
  | (Kind<"ice", "check-answered"> & {
      readonly pair: number
      readonly roundTrip?: number
      readonly mapped: string
    })
  | (Kind<"ice", "check-refused"> & { readonly pair: number; readonly code: number })
  /** The first check of theirs on a pair, and each that nominates anew. */
  | (Kind<"ice", "check-heard"> & { readonly pair: number; readonly nominating: boolean })
  /** A check that was not answered with success: the first of each kind from each address. */
  | (Kind<"ice", "check-rejected"> & { readonly from: string; readonly code: number; readonly why: string })
  | (Kind<"ice", "role"> & { readonly role: "controlling" | "controlled"; readonly why: string })
  /** Both ends know it now; `nomination` is its number, 0 where the other end knows none. */
  | (Kind<"ice", "nominated"> & { readonly pair: number; readonly nomination: number })
  /** Data goes over it from now on. */
  | (Kind<"ice", "selected"> & { readonly pair: number; readonly why: string })
  | (Kind<"ice", "consent"> & { readonly pair: number; readonly state: "doubtful" | "granted" | "expired" })
  /** No pair works after `since` ms: told once, long before it is given up (RFC 8863). */
  | (Kind<"ice", "still-trying"> & { readonly generation: number; readonly since: number })
  | (Kind<"ice", "restarted"> & { readonly generation: number })
  | (Kind<"ice", "state"> & {
      readonly state: "new" | "checking" | "connected" | "disconnected" | "failed" | "closed"
      readonly why: string
    })

/** `version` is "1.2" or "1.3"; groups, suites and profiles by the names that the RFCs give them. */
export type DtlsEvidence =
  | (Kind<"dtls", "state"> & {
      readonly state: "new" | "connecting" | "connected" | "closed" | "failed"
      readonly why: string
    })
  /** What both agreed on. */
  | (Kind<"dtls", "negotiated"> & {
      readonly version: string
      readonly cipherSuite: string
      readonly group: string
      readonly srtp?: string
      readonly connectionIds?: boolean
    })
  /** A flight left: `attempt` counts from 1; above it, what was not acknowledged is sent again. */
  | (Kind<"dtls", "flight"> & {
      readonly messages: readonly string[]
      readonly bytes: number
      readonly attempt: number
    })
  | (Kind<"dtls", "alert"> & {
      readonly side: "sent" | "received"
      readonly description: string
      readonly why: string
    })
  /** Something that was not taken; the first of each kind. */
  | (Kind<"dtls", "rejected"> & {
      readonly what:
        | "version"
        | "group"
        | "cipher-suite"
        | "signature"
        | "certificate"
        | "fingerprint"
        | "profile"
        | "fragment"
        | "message"
        | "record"
        | "cookie"
      readonly why: string
    })
