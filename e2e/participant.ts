/** Whoever takes part in a call, in whatever browser: what their page can be asked, and waited for. */
import { setTimeout as delay } from "node:timers/promises"

/** Totals over all peer connections of a page. */
export interface Media {
  readonly framesDecoded: number
  readonly audioEnergy: number
  /** Types of the two candidates of each selected pair: "relay relay". */
  readonly pairs: readonly string[]
  /** What the relay is reached over, for each of these pairs whose own end is one: "udp", "tcp", "tls". */
  readonly relayedOver: readonly string[]
  readonly videoBytesReceived: number
  readonly audioBytesReceived: number
}

export abstract class Participant {
  abstract media(): Promise<Media>
  /** All that the page says. */
  abstract text(): Promise<string>

  /** Waits until this person sees and hears: frames decoded grow, and the sound has energy. */
  async seesAndHears(): Promise<void> {
    await this.until(
      "frames and sound",
      async () => (await this.media()).framesDecoded > 0 && (await this.media()).audioEnergy > 0,
    )
    // A connection that is replaced meanwhile takes its count with it.
    let least = (await this.media()).framesDecoded
    await this.until("more frames", async () => {
      const { framesDecoded } = await this.media()
      least = Math.min(least, framesDecoded)
      return framesDecoded > least
    })
  }

  /** Polls the page until something holds, for 20 s at most. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + 20_000
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`Waited 20 s in vain for: ${what}\n${await this.text()}`)
      await delay(100)
    }
  }
}

/** In the page, before anything else: keeps what is made, and takes away the ICE servers whose URL lacks this. */
export function watchConnections(iceServers: string): void {
  const Native = globalThis.RTCPeerConnection
  const made: RTCPeerConnection[] = []
  const channels: RTCDataChannel[] = []
  Object.assign(globalThis, { madeConnections: made, madeChannels: channels })
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(reachable(configuration))
      made.push(this)
    }
    override createDataChannel(label: string, options?: RTCDataChannelInit) {
      const channel = super.createDataChannel(label, options)
      channels.push(channel)
      return channel
    }
    override setConfiguration(configuration?: RTCConfiguration) {
      super.setConfiguration(reachable(configuration))
    }
  }
  function reachable(configuration: RTCConfiguration = {}): RTCConfiguration {
    const servers = (configuration.iceServers ?? []).map(server => ({
      ...server,
      urls: [server.urls].flat().filter(url => url.includes(iceServers)),
    }))
    return { ...configuration, iceServers: servers.filter(({ urls }) => urls.length > 0) }
  }
}

/** In the page: what its live connections say of themselves. */
export async function readMedia(): Promise<Media> {
  const { madeConnections } = globalThis as unknown as { madeConnections: RTCPeerConnection[] }
  const totals = {
    framesDecoded: 0,
    audioEnergy: 0,
    pairs: [] as string[],
    relayedOver: [] as string[],
    videoBytesReceived: 0,
    audioBytesReceived: 0,
  }
  for (const connection of madeConnections.filter(each => each.connectionState === "connected")) {
    const all = new Map<string, Record<string, unknown>>()
    ;(await connection.getStats()).forEach((each: Record<string, unknown>) => all.set(String(each.id), each))
    // Firefox's transport does not name its pair (as of 153): there the pair itself says that it is in use.
    const transport = [...all.values()].find(each => each.type === "transport")
    const pair =
      all.get(String(transport?.selectedCandidatePairId)) ??
      [...all.values()].find(each => each.type === "candidate-pair" && each.selected === true)
    const type = (id: unknown) => String(all.get(String(id))?.candidateType)
    if (pair !== undefined) {
      totals.pairs.push(`${type(pair.localCandidateId)} ${type(pair.remoteCandidateId)}`)
      const { relayProtocol } = all.get(String(pair.localCandidateId)) ?? {}
      if (typeof relayProtocol === "string") totals.relayedOver.push(relayProtocol)
    }
    for (const each of all.values()) {
      if (each.type === "inbound-rtp" && each.kind === "video") {
        totals.framesDecoded += Number(each.framesDecoded ?? 0)
        totals.videoBytesReceived += Number(each.bytesReceived ?? 0)
      }
      if (each.type === "inbound-rtp" && each.kind === "audio") {
        totals.audioEnergy += Number(each.totalAudioEnergy ?? 0)
        totals.audioBytesReceived += Number(each.bytesReceived ?? 0)
      }
    }
  }
  return totals
}
