import type { Socket } from "node:net"
import { type Address, formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import { NO_PATH, type Path } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { Driver } from "@tightbeam/webrtc/net"
import { TurnClient, type TurnClientEvent, type TurnClientOptions, turnFraming } from "@tightbeam/webrtc/turn"

type Told<Type> = Extract<TurnClientEvent, { type: Type }>

interface Heard {
  readonly from: string
  readonly text: string
}

/** A `TurnClient` on a real socket, its events as promises. */
export class RelayClient {
  readonly turn: TurnClient
  readonly #driver: Driver<TurnClientEvent>
  readonly #events: TurnClientEvent[] = []
  readonly #heard: Heard[] = []
  #server: Path = NO_PATH
  #wake = Promise.withResolvers<void>()

  /** Over UDP, to a port of 127.0.0.1. */
  static async udp(
    port: number,
    username: string,
    password: string,
    options: Partial<TurnClientOptions> = {},
  ): Promise<RelayClient> {
    const client = new RelayClient(username, password, options)
    const { socket } = await client.#driver.listen({ address: "127.0.0.1", port: 0 })
    const server = { ip: parseIp("127.0.0.1")!, port }
    client.#server = client.#driver.command((_now, out) => out.paths.open(socket, server))
    return client
  }

  /** Over a connection that is established. */
  static over(connection: Socket, transport: "tcp" | "tls", username: string, password: string): RelayClient {
    const client = new RelayClient(username, password)
    client.#server = client.#driver.accept(connection, transport, turnFraming)
    return client
  }

  private constructor(username: string, password: string, options: Partial<TurnClientOptions> = {}) {
    this.turn = new TurnClient({
      ...options,
      crypto: nodeCrypto,
      username,
      password,
      onData: (d, peer) => {
        const text = Buffer.from(d.bytes.subarray(d.offset, d.offset + d.length)).toString()
        this.#heard.push({ from: formatAddress(peer), text })
        this.#woken()
      },
    })
    this.#driver = new Driver(this.turn, {
      onEvent: event => {
        this.#events.push(event)
        this.#woken()
      },
    })
  }

  /** Resolves with the relayed port, or with 0 when the server refused. */
  async allocate(): Promise<number> {
    const event = await this.allocated()
    return event.type === "allocated" ? event.relayed[0]!.port : 0
  }

  allocated(): Promise<Told<"allocated" | "failed">> {
    this.#driver.command((now, out) => this.turn.allocate(this.#server, now, out))
    return this.told("allocated", "failed")
  }

  /** Resolves with 0 once there is a permission for an address that had none, or with the error code. */
  async permit(ip: string): Promise<number> {
    this.#driver.command((now, out) => this.turn.permit([parseIp(ip)!], now, out))
    const event = await this.told("permitted", "permission-refused")
    return event.type === "permitted" ? 0 : event.failure.code!
  }

  /** Resolves with 0 once there is a channel to a peer that had none, or with the error code. */
  async bind(ip: string, port: number): Promise<number> {
    this.#driver.command((now, out) => this.turn.bindChannel({ ip: parseIp(ip)!, port }, now, out))
    const event = await this.told("channel-bound", "channel-refused")
    return event.type === "channel-bound" ? 0 : event.failure.code!
  }

  /** Whether it went out. */
  send(ip: string, port: number, text: string): boolean {
    const peer: Address = { ip: parseIp(ip)!, port }
    return this.#driver.command((now, out) => this.turn.send(peer, Buffer.from(text), now, out))
  }

  /** The next that a peer sent. */
  async receive(): Promise<Heard> {
    while (this.#heard.length === 0) await this.#wake.promise
    return this.#heard.shift()!
  }

  /** The next event of one of these types. */
  async told<Type extends TurnClientEvent["type"]>(...types: Type[]): Promise<Told<Type>> {
    for (;;) {
      const at = this.#events.findIndex(event => (types as string[]).includes(event.type))
      if (at >= 0) return this.#events.splice(at, 1)[0] as Told<Type>
      await this.#wake.promise
    }
  }

  /** Frees the allocation. */
  async close(): Promise<void> {
    this.#driver.command((now, out) => this.turn.close(now, out))
    await this.told("closed")
  }

  /** Lets go of the socket, and says nothing. */
  stop(): Promise<void> {
    return this.#driver.close()
  }

  #woken(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}
