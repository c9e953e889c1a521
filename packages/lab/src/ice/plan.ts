import { bursts, type Dependence, type LinkOptions, Random, TLS_ONLY, UDP_BLOCKED } from "@tightbeam/sim"
import type { IceRole } from "@tightbeam/webrtc/ice"
import type { NatKind, Place, Seat } from "./place.ts"

/** What happens to a call on its way. */
export type Change =
  | { readonly type: "none" }
  | { readonly type: "restart"; readonly at: number }
  /** An end moves to another network: it has the new address `overlap` ms before the old one is gone, or (negative) after. */
  | {
      readonly type: "move"
      readonly at: number
      readonly end: 0 | 1
      readonly to: Seat
      readonly overlap: number
    }
  /** An end's NAT forgets all that it knew. */
  | { readonly type: "reboot"; readonly at: number; readonly end: 0 | 1 }

/** One seed's world. */
export interface Plan {
  readonly ends: readonly [Seat, Seat]
  readonly link: LinkOptions
  /** Of the signaling, one way, ms. */
  readonly signaling: number
  readonly roles: readonly [IceRole, IceRole]
  /** Without renomination the higher priority decides among what was nominated (RFC 5245 §8.1.1.2). */
  readonly iceOptions: readonly string[]
  readonly change: Change
  /** Whether somebody can reach the TURN server but by a stream. */
  readonly needsStreams: boolean
}

const DEPENDENCE: readonly Dependence[] = [
  "endpoint-independent",
  "address-dependent",
  "address-and-port-dependent",
]
const CARRIER_SUBNET = "100.64.0.0"
/** Who moves from one home to another may have the same address in both, and sees no change at all. */
const HOME_SUBNETS = ["192.168.1.0", "192.168.0.0", "10.0.0.0"]
/** TCP itself stands still where much is lost, and no agent can change that. */
const MOST_LOSS = { datagrams: 0.2, streams: 0.02 }
/** When it all changes, ms after the call begins: from before anything is found to long after. */
const CHANGES = { from: 20, to: 15_000 }

/** A function of the seed: two ends behind at least one NAT each, a bad network between them, and in half of them a change. */
export function planOf(seed: number): Plan {
  const random = new Random(`plan ${seed}`)
  const carrier = random.chance(0.15) ? sharedCarrier(random) : undefined
  const ends = [seatOf(random, "a", carrier), seatOf(random, "b", carrier)] as const
  const change = random.chance(0.5) ? changeOf(random, carrier) : { type: "none" as const }
  const blocked = [...ends, ...(change.type === "move" ? [change.to] : [])]
  const needsStreams = blocked.some(({ place }) => place?.policy?.udp === false)
  const loss = random.float() * (needsStreams ? MOST_LOSS.streams : MOST_LOSS.datagrams)
  const conflict: readonly IceRole[] = ["controlling", "controlled"]
  const role = random.pick(conflict)
  return {
    ends,
    link: {
      delay: 5 + random.below(95),
      jitter: random.below(20),
      loss: random.chance(0.3) && loss > 0 ? bursts(loss, 1 + random.float() * 3) : loss,
      reordering: random.float() * 0.3,
      reorderingDelay: 5 + random.below(100),
      duplication: random.float() * 0.1,
    },
    signaling: 5 + random.below(200),
    roles: random.chance(0.1) ? [role, role] : ["controlling", "controlled"],
    iceOptions: random.chance(0.5) ? ["trickle", "renomination"] : ["trickle"],
    change,
    needsStreams,
  }
}

function natOf(
  random: Random,
  name: string,
  subnet: string,
  more: Pick<Place, "outer" | "policy"> = {},
): Place & { readonly router: NatKind } {
  return {
    name,
    router: {
      kind: "nat",
      mapping: random.pick(DEPENDENCE),
      filtering: random.pick(DEPENDENCE),
      ports: random.pick(["preserved", "random"] as const),
      pooling: random.pick(["paired", "arbitrary"] as const),
      addresses: 1 + random.below(4),
      hairpinning: random.chance(0.5),
      subnet,
    },
    ...more,
  }
}

/** Of both ends: what they want of its ports collides, and then nothing is preserved. */
function sharedCarrier(random: Random): Place {
  const carrier = natOf(random, "carrier", CARRIER_SUBNET)
  return { ...carrier, router: { ...carrier.router, ports: "random" } }
}

function seatOf(random: Random, name: string, carrier: Place | undefined): Seat {
  const own = random.chance(0.2) ? natOf(random, `carrier of ${name}`, CARRIER_SUBNET) : undefined
  const outer = random.chance(0.7) ? (carrier ?? own) : own
  const policy = random.chance(0.05) ? UDP_BLOCKED : random.chance(0.02) ? TLS_ONLY : {}
  const families = random.chance(0.15) ? ([6, 4] as const) : ([4] as const)
  return {
    place: natOf(
      random,
      `home of ${name}`,
      random.pick(HOME_SUBNETS),
      outer === undefined ? { policy } : { policy, outer },
    ),
    families,
  }
}

function changeOf(random: Random, carrier: Place | undefined): Change {
  const at = CHANGES.from + random.below(CHANGES.to - CHANGES.from)
  const end = random.pick([0, 1] as const)
  const type = random.pick(["restart", "move", "reboot"] as const)
  if (type !== "move") return { type, at, end }
  return { type, at, end, to: seatOf(random, "mobile", carrier), overlap: random.below(6000) - 2000 }
}
