import type { Place, Seat } from "../place.ts"
import { outwards } from "../place.ts"
import { type Endpoint, keyOf } from "./endpoint.ts"
import { PacketTheory } from "./packet-theory.ts"

export type CandidateType = "host" | "srflx" | "prflx" | "relay"

/** Candidate types of a pair, as one end sees it. */
export interface PairTypes {
  readonly local: CandidateType
  readonly remote: CandidateType
}

export type RelayTransport = "udp" | "tcp" | "tls"

export interface Call {
  /** The interfaces of either end; the first end is controlling. */
  readonly ends: readonly [readonly Seat[], readonly Seat[]]
  /** Whether there is a TURN server; a STUN server there is always. */
  readonly turn: boolean
  /** Whether both ends have ICE-TCP candidates. */
  readonly tcp: boolean
}

/** What theory says of a call. */
export interface Verdict {
  readonly outcome: "direct" | "relay" | "none"
  /** What carries it from end to end, a relay's leg to its client aside. */
  readonly transport: "udp" | "tcp"
  /** What the controlling end's selected pair may be: one, unless several have the same priority. */
  readonly types: readonly PairTypes[]
  /** How either end reaches its relay, if it does. */
  readonly relayed: readonly [RelayTransport | undefined, RelayTransport | undefined]
}

/** Where an end sends from. */
interface Base {
  readonly end: 0 | 1
  readonly type: "host" | "relay"
  readonly endpoint: Endpoint
  /** Learned from what came (RFC 8445 §7.3.1.3). */
  readonly peerReflexive: Map<string, Endpoint>
}

interface Candidate {
  readonly type: CandidateType
  readonly endpoint: Endpoint
}

interface ValidPair extends PairTypes {
  readonly family: 4 | 6
}

const SERVER: Readonly<Record<4 | 6, Endpoint>> = {
  4: { family: 4, ip: "server", port: "3478", at: undefined },
  6: { family: 6, ip: "server, v6", port: "3478", at: undefined },
}

/** Two NATs that let in anything, from a new port each time, would go on for ever. */
const MOST_ROUNDS = 8
/** What opened a filter in one round is answered in the next. */
const QUIET_ROUNDS = 2

/**
 * What becomes of a call by theory: every candidate sends to every other, over and over, and each router does what RFC 4787
 * says of its kind, until nobody learns anything new. What answered then is what any ICE agent can find.
 */
export function judge(call: Call): Verdict {
  const udp = new PacketTheory("udp")
  const relayed = [relayTransport(call, 0), relayTransport(call, 1)] as const
  const bases = ([0, 1] as const).flatMap(end => [
    ...hosts(call.ends[end], end),
    ...(relayed[end] === undefined ? [] : relays(call.ends[end], end)),
  ])
  const signaled = ([0, 1] as const).map(end => gather(udp, bases, end)) as [Candidate[], Candidate[]]
  const valid = best(closure(udp, bases, signaled))
  const isRelayed =
    valid.length === 0 || valid.some(pair => pair.local === "relay" || pair.remote === "relay")
  if (isRelayed && call.tcp && connectsByTcp(call))
    return { outcome: "direct", transport: "tcp", types: [], relayed }
  const outcome = valid.length === 0 ? "none" : isRelayed ? "relay" : "direct"
  return { outcome, transport: "udp", types: distinct(valid), relayed }
}

function hosts(seats: readonly Seat[], end: 0 | 1): Base[] {
  return seats.flatMap(({ place, families }, i) =>
    families.map(family => {
      const ip = `end ${end}, interface ${i}, v${family}`
      return base(end, "host", { family, ip, port: "host", at: place })
    }),
  )
}

/**
 * A relayed address lets in what its client has a permission for: an address, whatever the port (RFC 8656 §9). Everybody
 * has an IPv4 one, so that IPv6 reaches those who have nothing else; IPv6 has who knows it.
 */
function relays(seats: readonly Seat[], end: 0 | 1): Base[] {
  const hasIpv6 = seats.some(({ families }) => families.includes(6))
  return (hasIpv6 ? ([4, 6] as const) : ([4] as const)).map(family => {
    const at: Place = { name: "relay", router: { kind: "firewall", filtering: "address-dependent" } }
    return base(end, "relay", { family, ip: SERVER[family].ip, port: `relay of end ${end}`, at })
  })
}

function base(end: 0 | 1, type: Base["type"], endpoint: Endpoint): Base {
  return { end, type, endpoint, peerReflexive: new Map<string, Endpoint>() }
}

/** What an end tells the other (RFC 8445 §5.1.1). */
function gather(udp: PacketTheory, bases: readonly Base[], end: 0 | 1): Candidate[] {
  const candidates: Candidate[] = []
  for (const { end: whose, type, endpoint } of bases) {
    if (whose !== end) continue
    candidates.push({ type, endpoint })
    if (type === "relay") continue
    const mapped = udp.send(endpoint, SERVER[endpoint.family])?.from
    if (mapped !== undefined && keyOf(mapped) !== keyOf(endpoint))
      candidates.push({ type: "srflx", endpoint: mapped })
  }
  return candidates
}

/** The valid pairs of the controlling end, once both have tried everything they ever will. */
function closure(
  udp: PacketTheory,
  bases: readonly Base[],
  signaled: readonly [readonly Candidate[], readonly Candidate[]],
): ValidPair[] {
  const valid = new Map<string, ValidPair>()
  const at = new Map(bases.map(each => [keyOf(each.endpoint), each]))
  for (let round = 0, quiet = 0; quiet < QUIET_ROUNDS && round < MOST_ROUNDS; round++) {
    quiet++
    for (const sender of bases) {
      const theirs = signaled[sender.end === 0 ? 1 : 0]
      const learned = [...sender.peerReflexive.values()].map(
        endpoint => ({ type: "prflx", endpoint }) as const,
      )
      for (const { type, endpoint: to } of [...theirs, ...learned]) {
        const request = udp.send(sender.endpoint, to)
        const receiver = request && at.get(keyOf(request.at))
        if (request === undefined || receiver === undefined || receiver.end === sender.end) continue
        const { from } = request
        const isKnown = signaled[sender.end].some(({ endpoint }) => keyOf(endpoint) === keyOf(from))
        if (!isKnown && !receiver.peerReflexive.has(keyOf(from))) {
          receiver.peerReflexive.set(keyOf(from), from)
          quiet = 0
        }
        const response = udp.send(receiver.endpoint, from)
        // It must come to where the request left, from where the request went (RFC 8445 §7.2.5.2.1).
        if (response === undefined || keyOf(response.at) !== keyOf(sender.endpoint)) continue
        if (keyOf(response.from) !== keyOf(to)) continue
        const key = `${sender.end} ${keyOf(sender.endpoint)} > ${keyOf(to)}`
        if (valid.has(key)) continue
        quiet = 0
        // The local candidate is the one that the other end saw (RFC 8445 §7.2.5.3.1).
        const local =
          signaled[sender.end].find(({ endpoint }) => keyOf(endpoint) === keyOf(from))?.type ?? "prflx"
        valid.set(key, { local, remote: type, family: to.family })
      }
    }
  }
  return [...valid].filter(([key]) => key.startsWith("0 ")).map(([, pair]) => pair)
}

/** RFC 8445 §5.1.2.2. */
const TYPE_PREFERENCE: Readonly<Record<CandidateType, number>> = {
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 0,
}

/** Those of the highest priority (RFC 8445 §6.1.2.3); IPv6 before IPv4 (RFC 8421), but of relays any is as good. */
function best(pairs: readonly ValidPair[]): ValidPair[] {
  const priority = ({ local, remote, family }: ValidPair) => {
    const [least, greatest] = [TYPE_PREFERENCE[local], TYPE_PREFERENCE[remote]].sort((a, b) => a - b)
    return 1000 * least! + 2 * greatest! + (least! > 0 && family === 6 ? 1 : 0)
  }
  const highest = Math.max(...pairs.map(priority))
  return pairs.filter(pair => priority(pair) === highest)
}

function distinct(pairs: readonly ValidPair[]): PairTypes[] {
  const byName = new Map(pairs.map(({ local, remote }) => [`${local}/${remote}`, { local, remote }]))
  return [...byName.values()]
}

/** One end listens, and the other's SYN comes through (RFC 6544 §4.1: active and passive candidates). */
function connectsByTcp({ ends }: Call): boolean {
  const tcp = new PacketTheory("tcp")
  const [a, b] = [hosts(ends[0], 0), hosts(ends[1], 1)]
  return a.some(a =>
    b.some(
      b => tcp.send(a.endpoint, b.endpoint) !== undefined || tcp.send(b.endpoint, a.endpoint) !== undefined,
    ),
  )
}

/** The first of the server's transports that every network around an end lets out (RFC 8656 §3.1: UDP, TCP, TLS). */
function relayTransport({ ends, turn }: Call, end: 0 | 1): RelayTransport | undefined {
  if (!turn) return undefined
  const reaches = (transport: RelayTransport) =>
    ends[end].some(({ place }) =>
      [...outwards(place)].every(({ policy = {} }) => {
        const { udp = true, tcpPorts } = policy
        if (transport === "udp") return udp
        return tcpPorts === undefined || tcpPorts.includes(transport === "tcp" ? 3478 : 443)
      }),
    )
  return (["udp", "tcp", "tls"] as const).find(reaches)
}
