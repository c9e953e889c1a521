import { type Driver, deterministicCrypto, type Host, Internet, type LinkOptions } from "@tightbeam/sim"
import { type Address, formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import type { Datagram, Machine, Out, Socket } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { StunMessage } from "@tightbeam/webrtc/stun"
import {
  TurnClient,
  type TurnClientEvent,
  type TurnClientOptions,
  TurnServer,
  type TurnServerOptions,
  timeLimitedCredentials,
} from "@tightbeam/webrtc/turn"

export const SERVER_PORT = 3478
const PEER_PORT = 7000
/** 2026-11-01T00:00:00Z: what 0 on the virtual clock is. */
const EPOCH = 1_793_491_200_000
const SECRET: Uint8Array = new TextEncoder().encode("a secret of the tests")

/** Whoever sends something gets it back. */
class Echo implements Machine<string> {
  readonly nextTick: number = Number.POSITIVE_INFINITY
  receive(d: Datagram, _now: number, out: Out<string>): void {
    out.tell(formatAddress(out.paths.remote(d.path)))
    out.forward(d, 0, d.length, d.path)
  }
  reply(): void {}
  tick(): void {}
}

/** One machine in place of another, on the same sockets: a server that was started anew. */
class Restartable implements Machine<unknown> {
  machine: TurnServer
  /** What requests came with. */
  readonly signatures: Set<"sha1" | "sha256"> = new Set<"sha1" | "sha256">()
  constructor(machine: TurnServer) {
    this.machine = machine
  }
  get nextTick(): number {
    return this.machine.nextTick
  }
  receive(...args: Parameters<TurnServer["receive"]>): void {
    const [{ bytes, offset, length }] = args
    const message = new StunMessage()
    if (message.parse(bytes, offset, length) === undefined) {
      if (message.integrityAt >= 0) this.signatures.add("sha1")
      if (message.integritySha256At >= 0) this.signatures.add("sha256")
    }
    this.machine.receive(...args)
  }
  reply(...args: Parameters<TurnServer["reply"]>): void {
    this.machine.reply(...args)
  }
  tick(...args: Parameters<TurnServer["tick"]>): void {
    this.machine.tick(...args)
  }
}

/** A TURN client, our TURN server and peers that echo, on a simulated network. */
export class TurnNetwork {
  readonly network: Internet
  readonly client: TurnClient
  readonly driver: Driver<TurnClientEvent>
  readonly peers: readonly Address[]
  readonly echoes: readonly Driver<string>[]
  /** What came from peers: the address and the text. */
  readonly heard: { readonly from: string; readonly text: string }[] = []
  readonly serverAddress: Address
  readonly serverHost: Host
  readonly clientHost: Host
  readonly #server: Restartable
  readonly #serverDriver: Driver<unknown>
  readonly #serverOptions: TurnServerOptions
  readonly #socket: Socket

  constructor(
    options: {
      readonly seed: number
      readonly link?: LinkOptions
      readonly server?: Partial<TurnServerOptions>
      readonly client?: Partial<TurnClientOptions>
      readonly peers?: number
    } = { seed: 1 },
  ) {
    const { seed, link = {}, peers = 1 } = options
    this.network = new Internet({ seed, link: { delay: 20, ...link } })
    this.serverHost = this.network.host("server", { addresses: ["5.5.5.5", "2a00::5"] })
    this.clientHost = this.network.host("client", { addresses: ["1.2.3.4"] })
    this.#serverOptions = {
      crypto: deterministicCrypto(nodeCrypto, this.network.random.fork("server")),
      epoch: EPOCH,
      secrets: [SECRET],
      relayedAddress: { v4: parseIp("5.5.5.5")!, v6: parseIp("2a00::5")! },
      ...options.server,
    }
    this.#server = new Restartable(new TurnServer(this.#serverOptions))
    this.#serverDriver = this.serverHost.run(this.#server)
    this.#serverDriver.listen(SERVER_PORT)
    this.serverAddress = { ip: parseIp("5.5.5.5")!, port: SERVER_PORT }
    const credentials = timeLimitedCredentials({
      crypto: nodeCrypto,
      secret: SECRET,
      room: "blue",
      participant: "ada",
      expiry: EPOCH / 1000 + 86_400,
    })
    this.client = new TurnClient({
      crypto: deterministicCrypto(nodeCrypto, this.network.random.fork("client")),
      ...credentials,
      onData: (d, peer) => {
        const text = new TextDecoder().decode(d.bytes.subarray(d.offset, d.offset + d.length))
        this.heard.push({ from: formatAddress(peer), text })
      },
      ...options.client,
    })
    this.driver = this.clientHost.run(this.client)
    this.#socket = this.driver.listen(5000)
    this.peers = Array.from({ length: peers }, (_, i) => ({
      ip: Uint8Array.of(8, 8, i >> 8, i),
      port: PEER_PORT,
    }))
    this.echoes = this.peers.map(({ ip }, i) => {
      const echo = this.network.host(`peer ${i}`, { addresses: [ip.join(".")] }).run(new Echo())
      echo.listen(PEER_PORT)
      return echo
    })
  }

  get server(): TurnServer {
    return this.#server.machine
  }

  /** What the client's requests were signed with. */
  get signatures(): ReadonlySet<"sha1" | "sha256"> {
    return this.#server.signatures
  }

  get now(): number {
    return this.network.schedule.now
  }

  run(ms: number): void {
    this.network.schedule.run(ms)
  }

  /** Runs until an event of this type came that was not there before, and returns it. */
  until<Type extends TurnClientEvent["type"]>(
    type: Type,
    ms = 60_000,
  ): Extract<TurnClientEvent, { type: Type }> {
    const from = this.driver.events.length
    const find = () => this.driver.events.slice(from).find(event => event.type === type)
    this.network.schedule.runUntil(() => find() !== undefined, ms)
    return find() as Extract<TurnClientEvent, { type: Type }>
  }

  allocate(): void {
    this.driver.command((now, out) =>
      this.client.allocate(out.paths.open(this.#socket, this.serverAddress), now, out),
    )
  }

  permit(...peers: readonly Address[]): void {
    this.driver.command((now, out) =>
      this.client.permit(
        peers.map(({ ip }) => ip),
        now,
        out,
      ),
    )
  }

  bind(peer: Address): void {
    this.driver.command((now, out) => this.client.bindChannel(peer, now, out))
  }

  say(peer: Address, text: string): boolean {
    let went = false
    this.driver.command((now, out) => {
      went = this.client.send(peer, new TextEncoder().encode(text), now, out)
    })
    return went
  }

  close(): void {
    this.driver.command((now, out) => this.client.close(now, out))
  }

  /** The server loses all that it knew, its nonces too; its relay sockets are closed. */
  restartServer(): void {
    this.#serverDriver.command((now, out) => this.server.close(now, out))
    this.#server.machine = new TurnServer(this.#serverOptions)
  }
}
