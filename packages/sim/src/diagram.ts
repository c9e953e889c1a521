import { type RecordedPacket, type Recording, TCP_FLAGS } from "./recording.ts"

/** Says in a few words what a payload is. */
export type Describe = (payload: Uint8Array) => string

/** More arrows than these nobody reads. */
const ARROWS = 2000

/**
 * A recording as a Mermaid sequence diagram: an arrow for each hop, a cross where a packet went no further, and why.
 * After 2,000 arrows it says how many are left out.
 */
export function sequenceDiagram({ records }: Recording, describe: Describe = describeByFirstByte): string {
  const names = new Map<string, string>()
  const participant = (name: string) => {
    let id = names.get(name)
    if (id === undefined) names.set(name, (id = `p${names.size}`))
    return id
  }
  const arrows: string[] = []
  /** Where each packet was seen last. */
  const last = new Map<number, string>()
  let leftOut = 0
  for (const record of records) {
    const { packet, what, where } = record
    if (what === "sent") {
      last.set(packet, where)
      participant(where)
      continue
    }
    if (arrows.length === ARROWS) {
      leftOut++
      continue
    }
    const from = participant(last.get(packet) ?? where)
    const label = `${record.at.toFixed(1)} ms ${record.addresses} ${words(record, describe)}`
    if (what === "dropped") arrows.push(`${from}-x${from}: ${label}: ${record.why} (${where})`)
    else arrows.push(`${from}->>${participant(where)}: ${label}`)
    if (what !== "dropped") last.set(packet, where)
  }
  const lines = [...names].map(([name, id]) => `participant ${id} as ${clean(name)}`)
  if (leftOut > 0) arrows.push(`note over p0: ${leftOut} more are not shown`)
  return `sequenceDiagram\n${[...lines, ...arrows.map(clean)].map(line => `  ${line}\n`).join("")}`
}

function words({ protocol, payload, segment }: RecordedPacket, describe: Describe): string {
  if (segment === undefined) return `${describe(payload)} ${payload.length} B`
  const flags = Object.entries(TCP_FLAGS)
    .filter(([, bit]) => (segment.flags & bit) !== 0)
    .map(([name]) => name.toUpperCase())
  return `${protocol.toUpperCase()} ${flags.join(",")} ${payload.length} B`
}

/** RFC 7983 §7, and the method and class of STUN (RFC 8489 §5). */
function describeByFirstByte(payload: Uint8Array): string {
  const first = payload[0] ?? -1
  if (first >= 0 && first <= 3 && payload.length >= 20) {
    const type = (first << 8) | payload[1]!
    const method = (type & 0xf) | ((type & 0xe0) >> 1) | ((type & 0x3e00) >> 2)
    const kind = ["request", "indication", "response", "error"][((type & 0x100) >> 7) | ((type & 0x10) >> 4)]!
    return `${METHODS[method] ?? `STUN method ${method}`} ${kind}`
  }
  if (first >= 20 && first <= 63) return "DTLS"
  if (first >= 64 && first <= 79) return "ChannelData"
  if (first >= 128 && first <= 191) return "RTP"
  return "UDP"
}

/** RFC 8489 §18.2, RFC 8656 §17. */
const METHODS: Readonly<{ [method: number]: string }> = {
  1: "Binding",
  3: "Allocate",
  4: "Refresh",
  6: "Send",
  7: "Data",
  8: "CreatePermission",
  9: "ChannelBind",
}

/** Mermaid ends a line at these. */
function clean(text: string): string {
  return text.replaceAll(/[;#\n]/g, " ")
}
