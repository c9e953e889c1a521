import assert from "node:assert/strict"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, formatAddress, writeUint16 } from "../../bytes/index.ts"
import type { Socket } from "../../contract/index.ts"
import {
  AddressSlot,
  Attribute,
  hasValidFingerprint,
  hasValidIntegrity,
  hasValidIntegritySha256,
  MessageClass,
  Method,
  PasswordAlgorithm,
  passwordAlgorithmsValue,
  readErrorCode,
  readXorAddress,
  StunMessage,
  StunWriter,
} from "../../stun/index.ts"
import { timeLimitedCredentials } from "../index.ts"
import { longTermKey } from "./key.ts"
import { address, EPOCH, LISTENER, SECRET, type Sent, type World } from "./world.ts"

export interface Answer {
  readonly code: number
  readonly bytes: Uint8Array
  readonly message: StunMessage
}

export interface RequestOptions {
  readonly transactionId?: Uint8Array
  readonly fingerprint?: boolean
  readonly username?: Uint8Array | string
  readonly password?: string
  readonly realm?: string
  readonly nonce?: Uint8Array
  /** MESSAGE-INTEGRITY-SHA256 instead of MESSAGE-INTEGRITY. */
  readonly sha256?: boolean
  /** PASSWORD-ALGORITHM, with the PASSWORD-ALGORITHMS that were offered. */
  readonly algorithm?: PasswordAlgorithm
  /** Other PASSWORD-ALGORITHMS than those offered. */
  readonly algorithms?: readonly PasswordAlgorithm[]
  /** What to do to the bytes before they go out. */
  readonly tamper?: (bytes: Uint8Array) => Uint8Array
}

type Fill = (writer: StunWriter) => void

export const SHORT_ALLOCATE: Fill = writer => writer.requestedTransport(17)
/** Long enough that the answer has room for the nonce cookie. */
export const LONG_ALLOCATE: Fill = writer => {
  writer.requestedTransport(17)
  writer.text(Attribute.software, "a test")
}

let lastId = 0
export function newTransactionId(): Uint8Array {
  const id = new Uint8Array(12)
  new DataView(id.buffer).setUint32(8, ++lastId)
  return id
}

/** A TURN client as far as the tests need one: it does what it is told, wrong things too. */
export class Client {
  readonly world: World
  readonly address: Address
  /** Which socket of the server it sends to. */
  readonly socket: Socket
  username: string
  password: string
  realm = "test"
  nonce: Uint8Array | undefined
  relayed: Address | undefined

  constructor(
    world: World,
    text: string,
    participant = "ada",
    expiry: number = EPOCH / 1000 + 3600,
    socket: Socket = LISTENER,
  ) {
    this.world = world
    this.socket = socket
    this.address = address(text)
    const minted = timeLimitedCredentials({
      crypto: nodeCrypto,
      secret: SECRET,
      room: "room",
      participant,
      expiry,
    })
    this.username = minted.username
    this.password = minted.password
  }

  /** Sends bytes; returns everything that the server sends because of them. */
  send(bytes: Uint8Array): Sent[] {
    return this.world.deliver(this.socket, this.address, bytes)
  }

  /** Encodes a request without credentials. */
  plain(
    method: number,
    fill: Fill = () => {},
    fingerprint = false,
    id: Uint8Array = newTransactionId(),
  ): Uint8Array {
    const bytes = new Uint8Array(4096)
    const writer = new StunWriter()
    writer.begin(bytes, 0, bytes.length, MessageClass.request, method, id)
    fill(writer)
    if (fingerprint) writer.fingerprint()
    return bytes.slice(0, writer.end())
  }

  /** Encodes a request with credentials. */
  signed(method: number, fill: Fill = () => {}, options: RequestOptions = {}): Uint8Array {
    const bytes = new Uint8Array(4096)
    const writer = new StunWriter()
    const id = options.transactionId ?? newTransactionId()
    writer.begin(bytes, 0, bytes.length, MessageClass.request, method, id)
    fill(writer)
    const username = options.username ?? this.username
    const encoded = typeof username === "string" ? new TextEncoder().encode(username) : username
    const hash = hashOf(options)
    const key = longTermKey(encoded, options.realm ?? this.realm, options.password ?? this.password, hash)
    writer.attribute(Attribute.username, encoded)
    writer.text(Attribute.realm, options.realm ?? this.realm)
    writer.attribute(Attribute.nonce, options.nonce ?? this.nonce ?? new Uint8Array(16))
    if (options.algorithm !== undefined) {
      writer.attribute(Attribute.passwordAlgorithm, passwordAlgorithmsValue([options.algorithm]))
      const offered = [PasswordAlgorithm.sha256, PasswordAlgorithm.md5]
      writer.attribute(Attribute.passwordAlgorithms, passwordAlgorithmsValue(options.algorithms ?? offered))
    }
    if (options.sha256 ?? options.algorithm !== undefined)
      writer.messageIntegritySha256(nodeCrypto.hmac("sha256", key))
    else writer.messageIntegrity(nodeCrypto.hmac("sha1", key))
    if (options.fingerprint) writer.fingerprint()
    const encodedRequest = bytes.slice(0, writer.end())
    return options.tamper ? options.tamper(encodedRequest) : encodedRequest
  }

  /** Sends a signed request and reads the one answer, whose integrity must be right. */
  request(method: number, fill: Fill = () => {}, options: RequestOptions = {}): Answer {
    const sent = this.send(this.signed(method, fill, options))
    return this.answer(sent, options)
  }

  answer(sent: readonly Sent[], options: RequestOptions = {}): Answer {
    const mine = sent.filter(({ to }) => formatAddress(to) === formatAddress(this.address))
    assert.equal(mine.length, 1, `${mine.length} answers`)
    const answer = read(mine[0]!.bytes)
    const { integrityAt, integritySha256At } = answer.message
    if (integrityAt >= 0 || integritySha256At >= 0) {
      const encoded = new TextEncoder().encode(this.username)
      const username = options.username ?? encoded
      const key = longTermKey(
        typeof username === "string" ? new TextEncoder().encode(username) : username,
        this.realm,
        options.password ?? this.password,
        hashOf(options),
      )
      // RFC 8489 §9.2.4: one of the two, by what the request negotiated.
      const isValid =
        options.algorithm === undefined
          ? integritySha256At < 0 && hasValidIntegrity(answer.message, nodeCrypto.hmac("sha1", key))
          : integrityAt < 0 && hasValidIntegritySha256(answer.message, nodeCrypto.hmac("sha256", key))
      assert.ok(isValid, "the answer's integrity is wrong")
    }
    return answer
  }

  /** Fetches a nonce by a request without credentials: the shortest that a client sends, or `LONG_ALLOCATE`. */
  challenge(fill: Fill = SHORT_ALLOCATE): Answer {
    const answer = this.answer(this.send(this.plain(Method.allocate, fill)))
    assert.equal(answer.code, 401)
    this.nonce = answer.message.value(Attribute.nonce)!.slice()
    return answer
  }

  allocate(fill: Fill = () => {}, options: RequestOptions = {}): Answer {
    if (this.nonce === undefined) this.challenge()
    const answer = this.request(
      Method.allocate,
      writer => {
        writer.requestedTransport(17)
        fill(writer)
      },
      options,
    )
    if (answer.code === 0) this.relayed = addressIn(answer.message, Attribute.xorRelayedAddress)
    return answer
  }

  refresh(lifetime?: number): Answer {
    return this.request(Method.refresh, writer => {
      if (lifetime !== undefined) writer.uint32(Attribute.lifetime, lifetime)
    })
  }

  permit(...peers: Address[]): Answer {
    return this.request(Method.createPermission, writer => {
      for (const { ip, port } of peers) writer.xorAddress(Attribute.xorPeerAddress, ip, port)
    })
  }

  bind(channel: number, peer: Address): Answer {
    return this.request(Method.channelBind, writer => {
      writer.channelNumber(channel)
      writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
    })
  }

  sendTo(peer: Address, data: Uint8Array, dontFragment = false): Sent[] {
    const bytes = new Uint8Array(data.length + 100)
    const writer = new StunWriter()
    writer.begin(bytes, 0, bytes.length, MessageClass.indication, Method.send, newTransactionId())
    writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
    if (dontFragment) writer.flag(Attribute.dontFragment)
    writer.attribute(Attribute.data, data)
    return this.send(bytes.slice(0, writer.end()))
  }

  channelData(channel: number, data: Uint8Array, declared: number = data.length): Sent[] {
    const bytes = new Uint8Array(4 + data.length)
    writeUint16(bytes, 0, channel)
    writeUint16(bytes, 2, declared)
    bytes.set(data, 4)
    return this.send(bytes)
  }

  /** A datagram from a peer reaches the client's relayed address. */
  hear(peer: Address, data: Uint8Array): Sent[] {
    return this.world.deliver(this.world.socketOn(this.relayed!.port), peer, data)
  }
}

function hashOf({ algorithm }: RequestOptions): "md5" | "sha256" {
  return algorithm === PasswordAlgorithm.sha256 ? "sha256" : "md5"
}

export function read(bytes: Uint8Array): Answer {
  const message = new StunMessage()
  assert.equal(message.parse(bytes, 0, bytes.length), undefined)
  if (message.fingerprintAt >= 0) assert.ok(hasValidFingerprint(message))
  const code = message.class === MessageClass.error ? readErrorCode(message)!.code : 0
  return { code, bytes, message }
}

export function addressIn(message: StunMessage, type: number): Address {
  const slot = new AddressSlot()
  assert.ok(readXorAddress(message, message.indexOf(type), slot))
  return slot.copy()
}
