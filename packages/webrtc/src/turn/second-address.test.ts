import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Address, equalAddress, equalBytes, formatAddress } from "../bytes/index.ts"
import type { Socket } from "../contract/index.ts"
import {
  AddressSlot,
  Attribute,
  MessageClass,
  Method,
  readMappedAddress,
  type StunMessage,
  StunWriter,
} from "../stun/index.ts"
import type { SecondAddress } from "./index.ts"
import { addressIn, newTransactionId, read } from "./testing/client.ts"
import { address, LISTENERS, STREAM, World } from "./testing/world.ts"

/** A1:P1, A1:P2, A2:P1, A2:P2. */
const ADDRESSES = ["5.5.5.5:3478", "5.5.5.5:3479", "6.6.6.6:3478", "6.6.6.6:3479"]
const V6 = ["[2a00::5]:3478", "[2a00::5]:3479", "[2a00::6]:3478", "[2a00::6]:3479"]
const CLIENT = address("1.2.3.4:5000")
const CHANGE_IP = 4
const CHANGE_PORT = 2

function secondAddress(texts: readonly string[]): SecondAddress {
  const [a, b, c, d] = texts.map((text, i) => ({ socket: LISTENERS[i]!, address: address(text) }))
  return { listeners: [a!, b!, c!, d!] }
}

const open = (texts: readonly string[] = ADDRESSES, limits = {}): World =>
  new World({ secondAddress: secondAddress(texts), limits })

function binding(fill: (writer: StunWriter) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(9000)
  const writer = new StunWriter()
  writer.begin(bytes, 0, bytes.length, MessageClass.request, Method.binding, newTransactionId())
  fill(writer)
  return bytes.slice(0, writer.end())
}

const change = (flags: number) => (writer: StunWriter) => writer.uint32(Attribute.changeRequest, flags)
const responsePort = (port: number) => (writer: StunWriter) =>
  writer.uint32(Attribute.responsePort, port * 0x10000)
const padding = (length: number) => (writer: StunWriter) => writer.zeros(Attribute.padding, length)
/** Long enough for all that there is to tell. */
const long = (writer: StunWriter) => writer.text(Attribute.software, "a test of what NATs do, at length")
const both =
  (...fills: ((writer: StunWriter) => void)[]) =>
  (writer: StunWriter) =>
    fills.forEach(fill => fill(writer))

function mapped(message: StunMessage, type: number): string | undefined {
  const index = message.indexOf(type)
  if (index < 0) return undefined
  const slot = new AddressSlot()
  assert.ok(readMappedAddress(message, index, slot))
  return formatAddress(slot)
}

/** What a request to one of the listeners is answered with, and whence. */
function ask(world: World, to: Socket, request: Uint8Array, from: Address = CLIENT) {
  const sent = world.deliver(to, from, request)
  assert.equal(sent.length, 1)
  const { socket, to: goesTo, bytes } = sent[0]!
  return { from: LISTENERS.indexOf(socket), to: formatAddress(goesTo), ...read(bytes) }
}

describe("NAT behaviour discovery (RFC 5780)", () => {
  for (const texts of [ADDRESSES, V6]) {
    const client = texts === V6 ? address("[2a01::1]:5000") : CLIENT
    test(`answers from where CHANGE-REQUEST says, and tells where: ${texts[0]}`, () => {
      const world = open(texts)
      for (const [at, socket] of LISTENERS.entries()) {
        for (const flags of [undefined, 0, CHANGE_PORT, CHANGE_IP, CHANGE_IP | CHANGE_PORT]) {
          const fill = flags === undefined ? long : both(long, change(flags))
          const { from, to, message } = ask(world, socket, binding(fill), client)
          const isOtherIp = ((flags ?? 0) & CHANGE_IP) !== 0
          const isOtherPort = ((flags ?? 0) & CHANGE_PORT) !== 0
          assert.equal(from, at ^ (isOtherIp ? 2 : 0) ^ (isOtherPort ? 1 : 0))
          assert.equal(to, formatAddress(client))
          assert.ok(equalAddress(addressIn(message, Attribute.xorMappedAddress), client))
          assert.equal(mapped(message, Attribute.responseOrigin), texts[from])
          assert.equal(mapped(message, Attribute.otherAddress), texts[at ^ 3])
          assert.equal(mapped(message, Attribute.mappedAddress), formatAddress(client))
        }
      }
    })
  }

  test("RESPONSE-PORT: to another port of who asks, and to no other address", () => {
    const world = open()
    const { to, message } = ask(world, LISTENERS[0]!, binding(both(long, responsePort(6000))))
    assert.equal(to, "1.2.3.4:6000")
    assert.equal(formatAddress(addressIn(message, Attribute.xorMappedAddress)), "1.2.3.4:5000")
    const changed = ask(world, LISTENERS[0]!, binding(both(long, responsePort(6000), change(CHANGE_PORT))))
    assert.deepEqual([changed.to, changed.from], ["1.2.3.4:6000", 1])
  })

  test("PADDING: as long as the request's, at most 1,500 bytes of zeros", () => {
    const world = open()
    for (const [asked, had] of [
      [0, 0],
      [7, 7],
      [1_500, 1_500],
      [8_000, 1_500],
    ] as const) {
      const { message } = ask(world, LISTENERS[0]!, binding(both(long, padding(asked))))
      const value = message.value(Attribute.padding)!
      assert.equal(value.length, had)
      assert.ok(value.every(byte => byte === 0))
    }
  })

  test("400 to what cannot be read, and to PADDING with RESPONSE-PORT", () => {
    const world = open()
    for (const fill of [
      both(padding(4), responsePort(6000)),
      responsePort(0),
      (writer: StunWriter) => writer.flag(Attribute.responsePort),
      (writer: StunWriter) => writer.flag(Attribute.changeRequest),
    ]) {
      const { code, to, from } = ask(world, LISTENERS[0]!, binding(fill))
      assert.deepEqual([code, to, from], [400, "1.2.3.4:5000", 0])
    }
  })

  test("15. no response is more than 2.2 times its request, whatever it asks for", () => {
    for (const [texts, client] of [
      [ADDRESSES, CLIENT],
      [V6, address("[2a01::1]:5000")],
    ] as const) {
      const world = open(texts)
      const fills = [() => {}, long, change(6), padding(0), padding(4), padding(1_500), responsePort(6000)]
      for (const fill of [...fills, both(change(6), padding(40)), both(change(4), responsePort(6000))]) {
        for (const fingerprint of [false, true]) {
          const request = binding(writer => {
            fill(writer)
            if (fingerprint) writer.fingerprint()
          })
          const { bytes, message } = ask(world, LISTENERS[0]!, request, client)
          assert.ok(bytes.length <= 2.2 * request.length, `${bytes.length} for ${request.length}`)
          assert.ok(message.has(Attribute.xorMappedAddress))
        }
      }
    }
  })

  test("the shortest IPv4 request is told the other address", () => {
    const { bytes, message } = ask(open(), LISTENERS[0]!, binding())
    assert.equal(bytes.length, 44)
    assert.equal(mapped(message, Attribute.otherAddress), ADDRESSES[3])
  })

  test("15. all sockets and ports together spend one budget of the source", () => {
    const world = open(ADDRESSES, { strangersBytesPerSecond: 1000, strangersBurst: 2000 })
    let bytes = 0
    for (let i = 0; i < 400; i++) {
      const from = { ip: CLIENT.ip, port: 1 + i }
      const fill = i % 2 === 0 ? both(change(i % 8), responsePort(40_000 + i)) : padding(1_400)
      for (const sent of world.deliver(LISTENERS[i % 4]!, from, binding(fill))) {
        assert.ok(equalBytes(sent.to.ip, CLIENT.ip))
        bytes += sent.bytes.length
      }
    }
    assert.ok(bytes >= 2000 && bytes < 2000 + 1_600, `${bytes} bytes`)
    assert.ok(world.server.counters().drops["over-budget"] > 300)
  })

  test("holds no path, and answers nobody when there is none to be had", () => {
    const world = open()
    for (let i = 0; i < 100; i++) ask(world, LISTENERS[i % 4]!, binding(responsePort(1 + i)))
    assert.equal(world.paths.held, 0)
  })

  test("without a second address: 420 as ever, and nothing is said of another", () => {
    const world = new World()
    for (const fill of [change(0), responsePort(6000), padding(4)])
      assert.equal(ask(world, LISTENERS[0]!, binding(fill)).code, 420)
    const { message } = ask(world, LISTENERS[0]!, binding(long))
    assert.equal(message.has(Attribute.otherAddress) || message.has(Attribute.responseOrigin), false)
  })

  test("over a connection: the same, for these are tests of UDP", () => {
    const world = open()
    world.paths.carry(STREAM, "tcp")
    const [sent] = world.deliver(STREAM, CLIENT, binding(change(CHANGE_PORT)))
    assert.equal(read(sent!.bytes).code, 420)
  })

  test("four sockets that are not two addresses with two ports are refused by name", () => {
    const bad = [...ADDRESSES.slice(0, 3), "6.6.6.6:3480"]
    assert.throws(() => open(bad), /secondAddress.listeners/)
    assert.throws(() => open(Array(4).fill(ADDRESSES[0])), /secondAddress.listeners/)
  })
})

/** What a NAT lets in from an address that its client may have sent to (RFC 4787 §5). */
const FILTERS: Record<string, (from: Address, sentTo: readonly Address[]) => boolean> = {
  "endpoint-independent": () => true,
  "address-dependent": (from, sentTo) => sentTo.some(({ ip }) => equalBytes(ip, from.ip)),
  "address and port-dependent": (from, sentTo) => sentTo.some(to => equalAddress(to, from)),
}

/** Which public port a NAT gives to what its client sends (RFC 4787 §4.1). */
const MAPPINGS: Record<string, (to: Address) => number> = {
  "endpoint-independent": () => 61_000,
  "address-dependent": to => 61_000 + to.ip[0]!,
  "address and port-dependent": to => 61_000 + to.ip[0]! + to.port,
}

describe("behind a NAT, a client finds out", () => {
  /** Sends a request through the NAT; what comes back, or nothing. */
  const through = (
    world: World,
    to: number,
    mapping: string,
    filter: string,
    sentTo: Address[],
    flags = 0,
  ) => {
    const target = address(ADDRESSES[to]!)
    sentTo.push(target)
    const from = { ip: CLIENT.ip, port: MAPPINGS[mapping]!(target) % 65_536 }
    const [sent] = world.deliver(LISTENERS[to]!, from, binding(both(long, change(flags))))
    const origin = address(ADDRESSES[LISTENERS.indexOf(sent!.socket)]!)
    return FILTERS[filter]!(origin, sentTo) ? read(sent!.bytes).message : undefined
  }
  const reflexive = (message: StunMessage | undefined) =>
    formatAddress(addressIn(message!, Attribute.xorMappedAddress))
  const placeOf = (text: string | undefined) => ADDRESSES.indexOf(text!)

  for (const mapping of Object.keys(MAPPINGS)) {
    test(`its mapping: ${mapping} (RFC 5780 §4.3)`, () => {
      const world = open()
      const sentTo: Address[] = []
      const first = through(world, 0, mapping, "endpoint-independent", sentTo)
      const other = address(mapped(first!, Attribute.otherAddress)!)
      const second = placeOf(formatAddress({ ip: other.ip, port: address(ADDRESSES[0]!).port }))
      const ofOtherIp = through(world, second, mapping, "endpoint-independent", sentTo)
      const ofBoth = through(world, placeOf(formatAddress(other)), mapping, "endpoint-independent", sentTo)
      let found = "address and port-dependent"
      if (reflexive(first) === reflexive(ofOtherIp)) found = "endpoint-independent"
      else if (reflexive(ofOtherIp) === reflexive(ofBoth)) found = "address-dependent"
      assert.equal(found, mapping)
    })
  }

  for (const filter of Object.keys(FILTERS)) {
    test(`its filtering: ${filter} (RFC 5780 §4.4)`, () => {
      const world = open()
      const sentTo: Address[] = []
      assert.ok(through(world, 0, "endpoint-independent", filter, sentTo))
      const fromBoth = through(world, 0, "endpoint-independent", filter, sentTo, CHANGE_IP | CHANGE_PORT)
      const fromPort = through(world, 0, "endpoint-independent", filter, sentTo, CHANGE_PORT)
      let found = "address and port-dependent"
      if (fromBoth !== undefined) found = "endpoint-independent"
      else if (fromPort !== undefined) found = "address-dependent"
      assert.equal(found, filter)
    })
  }
})
