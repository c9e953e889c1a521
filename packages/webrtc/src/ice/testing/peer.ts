import assert from "node:assert/strict"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Address, equalAddress } from "../../bytes/index.ts"
import type { Socket } from "../../contract/index.ts"
import { Attribute, MessageClass, Method, StunMessage, StunWriter } from "../../stun/index.ts"
import { IceAgent } from "../agent.ts"
import {
  type CheckRequest,
  RESPONSE_LENGTH,
  writeCheck,
  writeCheckError,
  writeCheckSuccess,
} from "../connectivity-check.ts"
import { type IceCredentials, shortTermKey } from "../credentials.ts"
import type { IceEvent } from "../events.ts"
import type { IceAgentOptions } from "../options.ts"
import { address, type Sent, seededCrypto, Wire } from "./wire.ts"

export const THEIRS: IceCredentials = { ufrag: "peer", pwd: "the/password/of/the/peer" }
/** Where the agent of a test is bound, and where its peer is. */
export const HOST: Address = address("192.0.2.1:0")
export const PEER: Address = address("198.51.100.7:5000")

/** Of 64 bits: below, and above, whatever an agent drew. */
export const LOWEST: Uint8Array = new Uint8Array(8)
export const HIGHEST: Uint8Array = new Uint8Array(8).fill(0xff)

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

let lastId = 0
export function newId(): Uint8Array {
  const id = new Uint8Array(12)
  new DataView(id.buffer).setUint32(8, ++lastId)
  return id
}

export function parsed(bytes: Uint8Array): StunMessage {
  const message = new StunMessage()
  assert.equal(message.parse(bytes, 0, bytes.length), undefined)
  return message
}

/** An agent on a wire, with everything in reach that tests ask about. */
export class TestAgent {
  readonly agent: IceAgent
  readonly wire: Wire<IceEvent>
  readonly data: string[] = []

  constructor(options: Partial<IceAgentOptions> = {}) {
    this.agent = new IceAgent({
      crypto: seededCrypto(1),
      role: "controlling",
      onData: d =>
        void this.data.push(new TextDecoder().decode(d.bytes.subarray(d.offset, d.offset + d.length))),
      ...options,
    })
    this.wire = new Wire(this.agent)
  }

  /** With one UDP socket on `HOST`. */
  gather(...ips: readonly Uint8Array[]): this {
    this.wire.command((now, out) => this.agent.gather(ips.length > 0 ? ips : [HOST.ip], now, out))
    return this
  }

  describe(remote: IceCredentials & { lite?: boolean; options?: readonly string[] } = THEIRS): this {
    this.wire.command((now, out) => this.agent.setRemote(remote, now, out))
    return this
  }

  candidate(text: string): string | undefined {
    return this.wire.command((now, out) => this.agent.addRemoteCandidate(text, now, out))
  }

  /** A UDP host candidate. */
  peerAt(remote: Address, priority = 2_130_706_431): string | undefined {
    return this.candidate(`candidate:1 1 udp ${priority} ${remote.ip.join(".")} ${remote.port} typ host`)
  }

  restart(): void {
    this.wire.command((now, out) => this.agent.restart(now, out))
  }

  close(): void {
    this.wire.command((now, out) => this.agent.close(now, out))
  }

  /** The first UDP socket. */
  get socket(): Socket {
    const [socket] = this.wire.sockets.keys()
    assert.ok(socket !== undefined)
    return socket
  }

  deliver(bytes: Uint8Array, from: Address = PEER, socket: Socket = this.socket): Sent[] {
    return this.wire.deliver(socket, from, bytes)
  }

  /** A check of the peer's. */
  check(options: CheckOptions = {}): Uint8Array {
    return check(this.agent.local, options)
  }

  /** Requests that were sent since the last time this was asked. */
  checks(): Sent[] {
    const message = new StunMessage()
    const isRequest = ({ bytes }: Sent) =>
      message.parse(bytes, 0, bytes.length) === undefined && message.class === MessageClass.request
    return this.wire.sent.splice(0).filter(isRequest)
  }

  /** Answers what was asked at `from`, for `ms`, as a peer does. */
  answerFor(ms: number, ...from: readonly Address[]): void {
    const at = from.length > 0 ? from : [PEER]
    for (let passed = 0; passed < ms; passed += 5) {
      for (const each of this.checks())
        if (at.some(known => equalAddress(known, each.to)))
          this.deliver(success(each.bytes), each.to, each.socket)
      this.wire.advance(5)
    }
  }

  /** With a pair to `PEER` that works. */
  connect(): this {
    this.gather().describe()
    assert.equal(this.peerAt(PEER), undefined)
    this.answerFor(50)
    assert.equal(this.agent.state, "connected")
    return this
  }

  send(text: string): boolean {
    return this.wire.command((now, out) => {
      const bytes = utf8(text)
      const at = this.agent.reserve(bytes.length, now, out)
      if (at < 0) return false
      out.bytes.set(bytes, at)
      this.agent.commit(bytes.length, out)
      return true
    })
  }

  /** The kinds of evidence of one name. */
  noted<Kind extends string>(kind: Kind): readonly { readonly kind: Kind }[] {
    return this.wire.evidence.filter(each => each.kind === kind) as never
  }
}

interface CheckOptions extends Partial<Omit<CheckRequest, "username" | "key">> {
  readonly username?: string
  readonly pwd?: string
}

const writer = new StunWriter()

/** A check of a peer with `THEIRS` to an agent with `local`. */
export function check(
  local: IceCredentials,
  { username = `${local.ufrag}:${THEIRS.ufrag}`, pwd = local.pwd, ...rest }: CheckOptions = {},
): Uint8Array {
  const bytes = new Uint8Array(1024)
  const length = writeCheck(writer, bytes, 0, {
    id: newId(),
    username: utf8(username),
    priority: 1_862_270_975,
    role: "controlled",
    tieBreaker: LOWEST,
    isNominating: false,
    nomination: 0,
    key: shortTermKey(nodeCrypto, pwd),
    ...rest,
  })
  return bytes.slice(0, length)
}

/** The answer to a check of the agent's, which `mapped` is where it is seen. */
export function success(
  request: Uint8Array,
  mapped: Address = address("192.0.2.1:40000"),
  pwd: string = THEIRS.pwd,
): Uint8Array {
  const bytes = new Uint8Array(RESPONSE_LENGTH)
  const key = shortTermKey(nodeCrypto, pwd)
  return bytes.slice(0, writeCheckSuccess(writer, bytes, 0, parsed(request), mapped, key))
}

/** An error in answer to a check; not signed where `pwd` is "". */
export function failure(request: Uint8Array, code: number, pwd: string = THEIRS.pwd): Uint8Array {
  const bytes = new Uint8Array(RESPONSE_LENGTH)
  const key = pwd === "" ? undefined : shortTermKey(nodeCrypto, pwd)
  return bytes.slice(0, writeCheckError(writer, bytes, 0, parsed(request), code, key))
}

/** A Binding request of a stranger's making, with nothing but what `fill` writes, and a fingerprint. */
export function request(fill: (writer: StunWriter) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(1200)
  writer.begin(bytes, 0, bytes.length, MessageClass.request, Method.binding, newId())
  fill(writer)
  writer.fingerprint()
  return bytes.slice(0, writer.end())
}

/** The code of the error that a datagram is, 0 for a success. */
export function codeOf({ bytes }: Sent): number {
  const message = parsed(bytes)
  const value = message.value(Attribute.errorCode)
  return value === undefined ? 0 : value[2]! * 100 + value[3]!
}
