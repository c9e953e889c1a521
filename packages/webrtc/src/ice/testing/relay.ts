import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, equalAddress, parseIp } from "../../bytes/index.ts"
import type { Socket } from "../../contract/index.ts"
import { type TurnEvent, TurnServer, timeLimitedCredentials } from "../../turn/index.ts"
import type { IceServer } from "../options.ts"
import type { TestAgent } from "./peer.ts"
import { address, Wire } from "./wire.ts"

const SERVER = address("203.0.113.2:3478")
const SECRET = new TextEncoder().encode("a secret of the tests")
const EPOCH = 1_793_491_200_000

/** A TURN server on a wire of its own, which an agent reaches over UDP while it is `up`. */
export class TestRelay {
  isUp = true
  readonly server: IceServer
  readonly wire: Wire<TurnEvent>
  readonly #listener: Socket
  /** Where the agent's sockets are, or were: its last words come from one that is closed. */
  readonly #known = new Map<Socket, Address>()

  constructor() {
    const relayedAddress = { v4: parseIp("203.0.113.2")! }
    const relayPorts = { min: 50_000, max: 50_999 }
    const options = {
      crypto: nodeCrypto,
      epoch: EPOCH,
      realm: "test",
      secrets: [SECRET],
      relayedAddress,
      relayPorts,
    }
    this.wire = new Wire(new TurnServer(options))
    this.#listener = this.wire.open(SERVER)
    const { username, password } = timeLimitedCredentials({
      crypto: nodeCrypto,
      secret: SECRET,
      room: "room",
      participant: "ann",
      expiry: EPOCH / 1000 + 3_600,
    })
    this.server = { type: "turn", server: SERVER, transport: "udp", username, password }
  }

  /** Lets an agent and the server hear each other for `ms`. */
  run(test: TestAgent, ms: number): void {
    for (let passed = 0; passed < ms; passed += 5) {
      test.wire.advance(5)
      this.wire.advance(5)
      for (const { socket, to, bytes } of test.wire.sent.splice(0))
        if (this.isUp && equalAddress(to, SERVER)) this.#bring(test, socket, bytes)
    }
  }

  #bring(test: TestAgent, socket: Socket, bytes: Uint8Array): void {
    const from = test.wire.sockets.get(socket) ?? this.#known.get(socket)
    if (from === undefined) return
    this.#known.set(socket, from)
    for (const answer of this.wire.deliver(this.#listener, from, bytes))
      if (equalAddress(answer.to, from) && test.wire.sockets.has(socket))
        test.deliver(answer.bytes, SERVER, socket)
  }
}
