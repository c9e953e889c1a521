/** What one look at getStats() says of a connection's media. Counts run from its beginning; times in ms. */
export interface ConnectionReading {
  readonly at: number
  readonly packetsReceived: number
  readonly packetsLost: number
  readonly framesReceived: number
  readonly framesDropped: number
  /** How long pictures stood still, seconds. */
  readonly frozenFor: number
  /** The worst of sound and pictures. */
  readonly jitter: number | undefined
  readonly roundTripTime: number | undefined
  /** The share, 0–1, of what we sent lately that the other end misses: the worst of all streams. */
  readonly lostOut: number | undefined
  /** Why our pictures are smaller than they could be. */
  readonly limitedBy: "cpu" | "bandwidth" | undefined
  /** "1280 × 720, 30 a second". */
  readonly size: string | undefined
  /** What a relayed path goes over. */
  readonly relayedOver: string | undefined
}

/** The fields that are read here; browsers differ in which they give. */
interface Stats {
  readonly id: string
  readonly type: string
  readonly kind?: string
  readonly packetsReceived?: number
  readonly packetsLost?: number
  readonly framesReceived?: number
  readonly framesDropped?: number
  readonly totalFreezesDuration?: number
  readonly jitter?: number
  readonly roundTripTime?: number
  readonly fractionLost?: number
  readonly qualityLimitationReason?: string
  readonly frameWidth?: number
  readonly frameHeight?: number
  readonly framesPerSecond?: number
  readonly selectedCandidatePairId?: string
  readonly selected?: boolean
  readonly currentRoundTripTime?: number
  readonly localCandidateId?: string
  readonly relayProtocol?: string
}

export function readConnection(report: RTCStatsReport, at: number): ConnectionReading {
  const all: Stats[] = []
  report.forEach(each => all.push(each as Stats))
  const of = (type: string) => all.filter(each => each.type === type)
  const inbound = of("inbound-rtp")
  const remote = of("remote-inbound-rtp")
  const sum = (pick: (each: Stats) => number | undefined) =>
    inbound.reduce((total, each) => total + (pick(each) ?? 0), 0)
  const [transport] = of("transport")
  const pair =
    all.find(each => each.id === transport?.selectedCandidatePairId) ??
    of("candidate-pair").find(({ selected }) => selected)
  const trip = worst([...remote.map(each => each.roundTripTime), pair?.currentRoundTripTime])
  const jitter = worst(inbound.map(each => each.jitter))
  const limits = of("outbound-rtp").map(each => each.qualityLimitationReason)
  const picture = inbound.find(({ frameWidth }) => frameWidth !== undefined)
  return {
    at,
    packetsReceived: sum(each => each.packetsReceived),
    packetsLost: sum(each => each.packetsLost),
    framesReceived: sum(each => each.framesReceived),
    framesDropped: sum(each => each.framesDropped),
    frozenFor: sum(each => each.totalFreezesDuration),
    jitter: jitter === undefined ? undefined : jitter * 1000,
    roundTripTime: trip === undefined ? undefined : trip * 1000,
    lostOut: worst(remote.map(each => each.fractionLost)),
    limitedBy: limits.includes("cpu") ? "cpu" : limits.includes("bandwidth") ? "bandwidth" : undefined,
    size: picture && sizeOf(picture),
    relayedOver: all.find(each => each.id === pair?.localCandidateId)?.relayProtocol?.toUpperCase(),
  }
}

const sizeOf = ({ frameWidth, frameHeight, framesPerSecond }: Stats): string =>
  `${frameWidth} × ${frameHeight}${framesPerSecond === undefined ? "" : `, ${Math.round(framesPerSecond)} a second`}`

function worst(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
