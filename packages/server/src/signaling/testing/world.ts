import {
  type Clock,
  type ServerMessage,
  Session,
  type SessionEvents,
  type TightbeamError,
  type View,
} from "@tightbeam/client"
import { deterministicCrypto, type Host, Internet, type LinkOptions, type Stream } from "@tightbeam/sim"
import { parseIp } from "@tightbeam/webrtc/bytes"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import type { Verdict } from "../ask.ts"
import { MemoryBus } from "../bus.ts"
import { SignalingHost } from "../host.ts"
import type { SignalingLimits } from "../limits.ts"
import { Rooms } from "../rooms.ts"

const SERVER = "203.0.113.1"
const PORT = 443

/** A signaling server and its clients in the simulated network: the SDK's own `Session`, the server's own `Rooms`. */
export class World {
  readonly network: Internet
  readonly rooms: Rooms
  readonly evidence: Evidence[] = []
  /** Participants whose relay was taken back. */
  readonly revoked: Set<string> = new Set()
  readonly #host: Host
  /** The server is going away. */
  readonly drain: () => void
  #tokens = 0

  constructor(
    seed: number | string,
    link: LinkOptions,
    { open = false, ...limits }: Partial<SignalingLimits> & { open?: boolean } = {},
  ) {
    this.network = new Internet({ seed, link })
    const { schedule } = this.network
    this.#host = this.network.host("server", { addresses: [SERVER] })
    this.rooms = new Rooms({
      crypto: deterministicCrypto(nodeCrypto, this.network.random.fork("crypto")),
      iceServers: () => ({ iceServers: [], ttl: 3600 }),
      open,
      limits,
    })
    const host = new SignalingHost({
      rooms: this.rooms,
      bus: new MemoryBus(act => schedule.after(0, act)),
      authorize: (token, room, answer) => schedule.after(1, () => answer(judge(token, room))),
      revoke: (_room, participant) => this.revoked.add(participant),
      now: () => schedule.now,
      after: (delay, act) => schedule.after(delay, act),
      maxConnections: 256,
      onEvidence: evidence => this.evidence.push(evidence),
    })
    this.drain = () => void host.drain(1000)
    const encoder = new TextEncoder()
    const decoder = new TextDecoder()
    this.#host.listenStreams(PORT, stream => {
      const path = host.opened({
        client: stream.remote,
        send: text => stream.send(decoder.decode(text)),
        // As a real socket's, its end is told later, whoever asked for it.
        close: code => schedule.after(0, () => stream.close(code)),
      })
      if (path === undefined) return stream.close("full")
      stream.handlers = {
        message: text => host.message(path, encoder.encode(text)),
        closed: () => host.closed(path),
      }
    })
  }

  /** A token that the world's server takes: `room/serial`, or `room/serial/host`. */
  token(room: string, host = false): string {
    return `${room}/${this.#tokens++}${host ? "/host" : ""}`
  }

  client(index: number): Client {
    return new Client(
      this,
      this.network.host(`client${index}`, { addresses: [`198.51.100.${index + 1}`] }),
      `Person ${index}`,
    )
  }
}

function judge(token: string, room: string): Verdict {
  const [of, serial, host] = token.split("/")
  if (serial === undefined) return { type: "refused", code: "token-invalid" }
  if (of !== room) return { type: "refused", code: "token-foreign" }
  return {
    type: "authorized",
    grants: { publish: true, host: host !== undefined },
    tokenId: token,
    remaining: 60_000,
  }
}

/** A person with the SDK's session, who can also lose the network. */
export class Client {
  /** "sender>receiver" → generations of the signals that came, in order; and of those that were sent. */
  readonly heard: Map<string, number[]> = new Map()
  readonly said: Map<string, number> = new Map()
  ended: TightbeamError | undefined
  /** Kinds of messages that came while it was not in the room. */
  readonly heardOutside: Set<string> = new Set()
  /** Participants that it was, as far as it was told. */
  readonly was: Set<string> = new Set()
  /** Those of them that it was until it left or was told that it was sent out. */
  readonly parted: Set<string> = new Set()
  isWaiting = false
  session: Session | undefined
  stream: Stream | undefined
  readonly #world: World
  readonly #host: Host
  readonly name: string

  constructor(world: World, host: Host, name: string) {
    this.#world = world
    this.#host = host
    this.name = name
  }

  get view(): View | undefined {
    return this.session?.view
  }

  join(room: string, token: () => string = () => this.#world.token(room)): void {
    const { schedule, random } = this.#world.network
    const clock: Clock = {
      now: () => schedule.now,
      after: (delay, act) => schedule.after(delay, act),
      random: () => random.float(),
    }
    const events: SessionEvents = {
      welcomed: ({ self }) => {
        this.was.add(self.id)
        this.isWaiting = false
      },
      resumed: () => {},
      changed: () => {},
      waiting: () => {
        this.isWaiting = true
      },
      changedSelf: () => {},
      signal: ({ from, generation }) => {
        const between = `${from}>${this.view!.self.id}`
        this.heard.set(between, [...(this.heard.get(between) ?? []), generation])
      },
      reconnecting: () => {
        this.isWaiting = false
      },
      refused: () => {},
      ended: reason => {
        this.ended = reason
        if (reason.code === "kicked") this.#part()
        this.session = undefined
        this.isWaiting = false
      },
    }
    this.session = new Session({
      room,
      name: () => this.name,
      token,
      clock,
      events,
      connect: handlers => {
        this.stream = this.#host.connectStream(
          { ip: parseIp(SERVER)!, port: PORT },
          {
            opened: () => handlers.opened(),
            message: text => {
              handlers.message(text)
              if (this.view === undefined) this.heardOutside.add((JSON.parse(text) as ServerMessage).type)
            },
            closed: () => handlers.closed(),
          },
        )
        return this.stream
      },
    })
    this.session.start()
  }

  /** Sends a signal, numbered by its generation from 0 for each pair. */
  signal(to: string): void {
    const between = `${this.view!.self.id}>${to}`
    const generation = this.said.get(between) ?? 0
    this.said.set(between, generation + 1)
    const candidate = { candidate: "", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null }
    this.session!.send({ type: "signal", to, generation, signal: { candidate } })
  }

  leave(): void {
    this.#part()
    this.session?.leave()
    this.session = undefined
    this.isWaiting = false
  }

  #part(): void {
    if (this.view !== undefined) this.parted.add(this.view.self.id)
  }

  /** The network drops the socket; the server notices only after `noticed` ms. */
  cut(noticed: number): void {
    if (this.stream?.isOpen) this.stream.cut(noticed)
  }
}
