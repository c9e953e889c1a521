import type { CandidateSummary, SelectedPath } from "./timeline.ts"

/** The few fields of getStats() that are read here. Browsers differ in which they give. */
interface Stats {
  readonly id: string
  readonly type: string
  readonly selectedCandidatePairId?: string
  readonly tlsVersion?: string
  readonly dtlsCipher?: string
  readonly srtpCipher?: string
  readonly state?: string
  readonly nominated?: boolean
  readonly selected?: boolean
  readonly localCandidateId?: string
  readonly remoteCandidateId?: string
  readonly currentRoundTripTime?: number
  readonly candidateType?: CandidateSummary["type"]
  readonly protocol?: "udp" | "tcp"
  readonly relayProtocol?: "udp" | "tcp" | "tls"
  readonly address?: string
  readonly port?: number
}

/** What getStats() says of the path that carries the call. */
export function readPath(report: RTCStatsReport): {
  path: SelectedPath | undefined
  security: string | undefined
} {
  const all: Stats[] = []
  report.forEach(each => all.push(each as Stats))
  const transport = all.find(each => each.type === "transport")
  const pairs = all.filter(each => each.type === "candidate-pair")
  const pair =
    pairs.find(each => each.id === transport?.selectedCandidatePairId) ??
    pairs.find(each => each.selected || (each.nominated && each.state === "succeeded"))
  const local = summary(all.find(each => each.id === pair?.localCandidateId))
  const remote = summary(all.find(each => each.id === pair?.remoteCandidateId))
  const rtt = pair?.currentRoundTripTime
  const path: SelectedPath | undefined = local &&
    remote && {
      route: local.type === "relay" || remote.type === "relay" ? "relayed" : "direct",
      over: (local.relayProtocol ?? local.protocol).toUpperCase() as SelectedPath["over"],
      local,
      remote,
      roundTripTime: rtt === undefined ? undefined : Math.round(rtt * 1000),
    }
  return { path, security: transport && securityOf(transport) }
}

function summary(stats: Stats | undefined): CandidateSummary | undefined {
  if (stats?.candidateType === undefined) return undefined
  const { candidateType: type, protocol = "udp", relayProtocol, address, port } = stats
  return {
    type,
    protocol,
    address: address && port ? withPort(address, port) : "",
    ...(type === "relay" && relayProtocol && { relayProtocol }),
  }
}

const TLS_VERSIONS: Readonly<Record<string, string>> = {
  FEFF: "DTLS 1.0",
  FEFD: "DTLS 1.2",
  FEFC: "DTLS 1.3",
}

function securityOf({ tlsVersion = "", srtpCipher, dtlsCipher }: Stats): string | undefined {
  const parts = [TLS_VERSIONS[tlsVersion.toUpperCase()], srtpCipher ?? dtlsCipher].filter(Boolean)
  return parts.length > 0 ? parts.join(", ") : undefined
}

// As candidate-words.ts has it: what is loaded at once shares nothing with what is loaded later.
const withPort = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`
