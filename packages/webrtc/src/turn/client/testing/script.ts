import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, formatAddress } from "../../../bytes/index.ts"
import {
  type Datagram,
  HEADROOM,
  type Out,
  type Path,
  PathTable,
  TAILROOM,
  type Transport,
} from "../../../contract/index.ts"
import type { Hmac } from "../../../crypto/index.ts"
import { Attribute, MessageClass, StunMessage, StunWriter } from "../../../stun/index.ts"
import { type Failure, TurnClient, type TurnClientEvent, type TurnClientOptions } from "../../index.ts"
import { address, POISON, seededCrypto } from "../../testing/world.ts"

export const SERVER: Address = address("5.5.5.5:3478")
const SLAB = 65_536 + HEADROOM + TAILROOM

export interface Answer {
  readonly class?: MessageClass
  readonly method?: number
  readonly fill?: (writer: StunWriter) => void
  readonly sha1?: Hmac
  readonly sha256?: Hmac
  readonly fingerprint?: boolean
  /** Who sends it; the server by default. */
  readonly from?: Address
}

/** A client whose server is the test, word by word, on a clock that the test moves. */
export class Script {
  now = 0
  readonly client: TurnClient
  readonly paths: PathTable = new PathTable(64)
  readonly events: TurnClientEvent[] = []
  readonly sent: { readonly to: Address; readonly bytes: Uint8Array }[] = []
  readonly heard: { readonly from: string; readonly data: Uint8Array }[] = []
  readonly out: Out<TurnClientEvent>
  readonly #slab = new Uint8Array(SLAB)
  readonly #datagram: Datagram

  constructor(options: Partial<TurnClientOptions> = {}, transport: Transport = "udp") {
    this.paths.carry(0, transport)
    this.client = new TurnClient({
      crypto: seededCrypto(1),
      username: "user",
      password: "pass",
      onData: (d, peer) => {
        assert.equal(d.bytes, this.#slab, "handed on in place")
        this.heard.push({
          from: formatAddress(peer),
          data: d.bytes.slice(d.offset, d.offset + d.length),
        })
      },
      ...options,
    })
    const view = new DataView(this.#slab.buffer)
    this.#datagram = { bytes: this.#slab, view, offset: HEADROOM, length: 0, path: 0, ecn: 0 }
    this.out = this.#makeOut()
  }

  allocate(server: Address = SERVER): void {
    this.client.allocate(this.paths.open(0, server), this.now, this.out)
  }

  /** The last request that was sent. */
  get request(): StunMessage {
    const message = new StunMessage()
    const { bytes } = this.sent.at(-1)!
    assert.equal(message.parse(bytes, 0, bytes.length), undefined)
    return message
  }

  /** Answers the last request. */
  answer(answer: Answer, request: StunMessage = this.request): void {
    const bytes = new Uint8Array(4096)
    const writer = new StunWriter()
    const { class: messageClass = MessageClass.success, method = request.method } = answer
    writer.begin(bytes, 0, bytes.length, messageClass, method, request.transactionId)
    answer.fill?.(writer)
    if (answer.sha1 !== undefined) writer.messageIntegrity(answer.sha1)
    if (answer.sha256 !== undefined) writer.messageIntegritySha256(answer.sha256)
    if (answer.fingerprint) writer.fingerprint()
    this.deliver(bytes.subarray(0, writer.end()), answer.from)
  }

  refuse(code: number, answer: Answer = {}): void {
    this.answer({
      ...answer,
      class: MessageClass.error,
      fill: writer => {
        writer.errorCode(code)
        answer.fill?.(writer)
      },
    })
  }

  deliver(bytes: Uint8Array, from: Address = SERVER): void {
    this.#slab.fill(POISON, 0, HEADROOM + bytes.length + TAILROOM)
    this.#slab.set(bytes, HEADROOM)
    const d = this.#datagram
    d.offset = HEADROOM
    d.length = bytes.length
    d.path = this.paths.open(0, from)
    this.client.receive(d, this.now, this.out)
    assert.deepEqual([d.offset, d.length], [HEADROOM, bytes.length], "the datagram is as it was")
  }

  advance(ms: number): void {
    const end = this.now + ms
    while (this.client.nextTick <= end) {
      this.now = Math.max(this.now, this.client.nextTick)
      this.client.tick(this.now, this.out)
      assert.ok(this.client.nextTick > this.now, "a tick that leaves something due")
    }
    this.now = end
  }

  #makeOut(): Out<TurnClientEvent> {
    const slab = new Uint8Array(70_000)
    let reservedFor: Path | undefined
    return {
      paths: this.paths,
      bytes: slab,
      view: new DataView(slab.buffer),
      reserve: (path, max) => {
        slab.fill(POISON)
        slab.fill(0, 8, 8 + max)
        reservedFor = path
        return 8
      },
      commit: length => {
        assert.ok(reservedFor !== undefined, "commit without reserve")
        this.sent.push({ to: this.paths.remote(reservedFor), bytes: slab.slice(8, 8 + length) })
        reservedFor = undefined
      },
      forward: () => assert.fail("forwards nothing"),
      ask: () => assert.fail("asks for nothing"),
      tell: event => this.events.push(event),
      note: () => assert.fail("notes nothing"),
    }
  }
}

/** The key of our user with a server of RFC 5389. */
export const SHA1: Hmac = nodeCrypto.hmac("sha1", createHash("md5").update("user:realm:pass").digest())
export const STRANGER: Address = address("6.6.6.6:3478")
export const PEER: Address = address("8.8.8.8:9000")
/** Seconds, of what `grant` grants. */
export const LIFETIME = 3600

export function challenge(nonce: string, algorithms?: Uint8Array, realm = "realm"): Answer {
  return {
    fill: (writer: StunWriter) => {
      writer.text(Attribute.realm, realm)
      writer.text(Attribute.nonce, nonce)
      if (algorithms !== undefined) writer.attribute(Attribute.passwordAlgorithms, algorithms)
    },
  }
}

export function grant(...relayed: Address[]): (writer: StunWriter) => void {
  return (writer: StunWriter) => {
    for (const { ip, port } of relayed) writer.xorAddress(Attribute.xorRelayedAddress, ip, port)
    writer.xorAddress(Attribute.xorMappedAddress, Uint8Array.of(1, 2, 3, 4), 5000)
    writer.uint32(Attribute.lifetime, LIFETIME)
  }
}

/** With an allocation on a server of RFC 5389. */
export function allocated(transport: Transport = "udp", options: Partial<TurnClientOptions> = {}): Script {
  const script = new Script(options, transport)
  script.allocate()
  script.refuse(401, challenge("nonce"))
  script.answer({ fill: grant(address("5.5.5.5:50000")), sha1: SHA1 })
  assert.equal(script.events.pop()?.type, "allocated")
  return script
}

/** Of the last event, which says that there is no allocation. */
export function failureOf(script: Script): Failure {
  const event = script.events.at(-1)
  assert.ok(event?.type === "failed", JSON.stringify(event))
  return event.failure
}
