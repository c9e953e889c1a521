import { Counter, Gauge, Registry } from "@prometheus-io/client"
import type { DropReason } from "@tightbeam/webrtc/turn"
import { type Cost, type RelayReading, TRANSPORTS } from "../relay/index.ts"

type Field = Exclude<keyof Cost, "add" | "merge">

/**
 * The relay for Prometheus. Labels are words of ours and error codes, never what a stranger wrote: there are as many
 * time series after a million users as after one.
 */
export class RelayMetrics {
  readonly #registry = new Registry()
  readonly #allocations = this.#gauge("allocations", "TURN allocations now, by the client's transport.", [
    "transport",
  ])
  readonly #made = this.#counter("allocations_total", "TURN allocations made, by the client's transport.", [
    "transport",
  ])
  readonly #freed = this.#counter("allocations_freed_total", "TURN allocations that ended, by why.", [
    "reason",
  ])
  readonly #seconds = this.#counter(
    "allocation_seconds_total",
    "For how long there were TURN allocations, added up.",
    ["transport"],
  )
  readonly #bytes = this.#counter("bytes_total", "Application bytes relayed, without any header.", [
    "transport",
    "direction",
  ])
  readonly #packets = this.#counter("packets_total", "Packets relayed.", ["transport", "direction"])
  readonly #joinedBytes = this.#counter(
    "joined_bytes_total",
    "Of the bytes to peers, those that went to another allocation on the same thread, over no socket.",
    ["transport"],
  )
  readonly #joinedPackets = this.#counter("joined_packets_total", "The same, in packets.", ["transport"])
  readonly #errors = this.#counter("errors_total", "Requests answered with an error, by its code.", ["code"])
  readonly #drops = this.#counter("drops_total", "Packets that went nowhere, by why.", ["reason"])
  readonly #bindings = this.#counter("stun_binding_requests_total", "STUN Binding requests.", [])
  readonly #connections = this.#gauge("peer_connections", "TCP connections to peers now.", [])
  readonly #freePorts = this.#gauge("free_ports", "Ports that can still be relayed from.", [])

  /** Of one moment, in Prometheus' text format. */
  text({ counters, total, freed }: RelayReading): Promise<string> {
    // These are counted elsewhere: each time they are read anew, all in one turn.
    this.#registry.resetMetrics()
    for (const transport of TRANSPORTS) {
      const of = (field: Field): number => total[transport]?.[field] ?? 0
      this.#allocations.set({ transport }, of("live"))
      this.#made.inc({ transport }, of("allocations"))
      this.#seconds.inc({ transport }, of("seconds"))
      this.#bytes.inc({ transport, direction: "to-peers" }, of("bytesToPeers"))
      this.#bytes.inc({ transport, direction: "to-clients" }, of("bytesToClients"))
      this.#packets.inc({ transport, direction: "to-peers" }, of("packetsToPeers"))
      this.#packets.inc({ transport, direction: "to-clients" }, of("packetsToClients"))
      this.#joinedBytes.inc({ transport }, of("bytesJoined"))
      this.#joinedPackets.inc({ transport }, of("packetsJoined"))
    }
    for (const [reason, count] of Object.entries(freed)) this.#freed.inc({ reason }, count)
    for (const [code, count] of Object.entries(counters.errors)) this.#errors.inc({ code }, count)
    for (const [reason, count] of Object.entries(counters.drops) as [DropReason, number][])
      this.#drops.inc({ reason }, count)
    this.#bindings.inc(counters.bindingRequests)
    this.#connections.set(counters.connections)
    this.#freePorts.set(counters.freePorts)
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `tightbeam_relay_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name: `tightbeam_relay_${name}`, help, labelNames, registers: [this.#registry] })
  }
}
