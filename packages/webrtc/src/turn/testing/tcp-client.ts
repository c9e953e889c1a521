import assert from "node:assert/strict"
import { type Address, formatAddress } from "../../bytes/index.ts"
import type { Path, Socket } from "../../contract/index.ts"
import { Attribute, Method, type StunWriter, TRANSPORT_TCP } from "../../stun/index.ts"
import type { TurnServerOptions } from "../index.ts"
import { type Answer, addressIn, Client } from "./client.ts"
import { address, EPOCH, type Sent, World } from "./world.ts"

export const PEER: Address = address("8.8.8.8:9000")
export const OTHER: Address = address("8.8.4.4:9000")
/** REQUESTED-TRANSPORT 6. */
export const tcp = (writer: StunWriter): void => writer.requestedTransport(TRANSPORT_TCP)

/** A client over TCP, its control connection. */
export class TcpClient extends Client {
  readonly participant: string

  constructor(world: World, text: string, participant = "ada", transport: "tcp" | "tls" = "tcp") {
    super(world, text, participant, EPOCH / 1000 + 3600, world.openStream(transport))
    this.participant = participant
  }

  allocateTcp(fill: (writer: StunWriter) => void = () => {}): Answer {
    this.challenge()
    const answer = this.request(Method.allocate, writer => {
      tcp(writer)
      fill(writer)
    })
    if (answer.code === 0) this.relayed = addressIn(answer.message, Attribute.xorRelayedAddress)
    return answer
  }

  get control(): Path {
    return this.world.paths.open(this.socket, this.address)
  }

  /** Asks for a connection; the answer is there at once only when it is an error. */
  connect(peer: Address, fill: (writer: StunWriter) => void = () => {}): Sent[] {
    const request = this.signed(Method.connect, writer => {
      writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
      fill(writer)
    })
    return this.send(request)
  }

  refusedConnect(peer: Address): number {
    return this.answer(this.connect(peer)).code
  }

  /** Connects to a peer who is there. Returns the CONNECTION-ID. */
  connected(peer: Address = PEER): number {
    assert.deepEqual(this.connect(peer), [])
    return idIn(this.answer(this.world.connected()))
  }

  /** Another connection of the same user, from another port. */
  dataConnection(transport: "tcp" | "tls" = "tcp"): DataConnection {
    const { address } = this
    const text = formatAddress({
      ip: address.ip,
      port: address.port + 1000 + this.world.streams.size,
    })
    return new DataConnection(this.world, text, this.participant, transport)
  }
}

/** What ConnectionBind is sent on. */
export class DataConnection extends TcpClient {
  bindTo(id: number): Answer {
    if (this.nonce === undefined) this.challenge()
    return this.request(Method.connectionBind, writer => writer.uint32(Attribute.connectionId, id))
  }
}

/** The CONNECTION-ID of a success response. */
export function idIn({ code, message }: Answer): number {
  assert.equal(code, 0)
  return message.uint32(Attribute.connectionId)
}

/** A client with a relayed address that listens on TCP. */
export function setUp(options: Partial<TurnServerOptions> = {}): { world: World; client: TcpClient } {
  const world = new World({ tcpPeers: true, ...options })
  const client = new TcpClient(world, "1.2.3.4:5000")
  assert.equal(client.allocateTcp().code, 0)
  return { world, client }
}

/** What a peer that connects comes to. */
export function attempt(
  { world, client }: { world: World; client: Client },
  peer: Address,
): { sent: Sent[]; socket: Socket; isOpen: boolean } {
  const { sent, socket } = world.connectFrom(peer, client.relayed!.port)
  return { sent, socket, isOpen: world.streams.has(socket) }
}

export function leftNothing(world: World): void {
  const { allocations, connections, freePorts } = world.server.counters()
  assert.deepEqual([allocations, connections, freePorts], [0, 0, 2000])
  assert.deepEqual([world.sockets.size, world.connects.length, world.paths.held], [0, 0, 0])
  assert.equal(world.server.nextTick, Infinity)
}

export const kinds = (world: World): string[] => world.evidence.map(({ kind }) => kind)
