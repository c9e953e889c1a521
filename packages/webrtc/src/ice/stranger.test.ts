/** Whatever a stranger sends: nothing throws, nothing spins, and nobody who proved nothing is sent more than a little. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { formatAddress } from "../bytes/index.ts"
import { Attribute } from "../stun/index.ts"
import type { IceAgentOptions } from "./options.ts"
import { check, failure, HIGHEST, PEER, request, success, TestAgent, utf8 } from "./testing/peer.ts"
import { address } from "./testing/wire.ts"

/** How much more than it got an address may be sent that proved nothing. */
const AMPLIFICATION = 2.2
const STRANGER = address("203.0.113.66:6666")

const ROLES: readonly Partial<IceAgentOptions>[] = [
  { role: "controlling" },
  { role: "controlled" },
  { role: "controlled", lite: true },
]

/** Messages of every kind that an agent may see, real ones, to be cut and changed. */
function realMessages(test: TestAgent): readonly Uint8Array[] {
  const ours = test.checks()[0]?.bytes ?? request()
  return [
    test.check(),
    test.check({ role: "controlling", tieBreaker: HIGHEST, isNominating: true, nomination: 7 }),
    success(ours),
    failure(ours, 487),
    failure(ours, 401, ""),
    check({ ufrag: "who?", pwd: "no/password/of/anybody's" }),
    request(w => w.text(Attribute.username, `${test.agent.local.ufrag}:x`)),
    request(w => w.zeros(0x7000, 1000)),
    ours,
  ]
}

const change = fc.record({
  which: fc.nat(8),
  cut: fc.option(fc.nat(140)),
  flips: fc.array(fc.tuple(fc.nat(139), fc.nat(255)), { maxLength: 4 }),
})

function changed(
  bytes: Uint8Array,
  cut: number | null,
  flips: readonly (readonly [number, number])[],
): Uint8Array {
  const copy = bytes.slice(0, cut === null ? bytes.length : cut)
  for (const [at, value] of flips) if (at < copy.length) copy[at] = value
  return copy
}

function assertModest({ wire }: TestAgent, to: typeof STRANGER, got: number): void {
  const name = formatAddress(to)
  let sent = 0
  for (const each of wire.sent) if (formatAddress(each.to) === name) sent += each.bytes.length
  assert.ok(sent <= AMPLIFICATION * got, `${sent} bytes sent for ${got}`)
}

describe("an agent", () => {
  for (const options of ROLES) {
    const name = options.lite === true ? "lite" : options.role
    test(`(${name}) bears any bytes`, () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), datagrams => {
          const test = new TestAgent(options).gather().describe()
          let got = 0
          for (const bytes of datagrams) {
            test.deliver(bytes, STRANGER)
            got += bytes.length
          }
          test.wire.advance(10_000)
          assertModest(test, STRANGER, got)
          assert.deepEqual(test.data, [])
        }),
        { numRuns: 100 },
      )
    })

    test(`(${name}) bears real messages, cut short and changed`, () => {
      fc.assert(
        fc.property(fc.array(change, { maxLength: 20 }), fc.boolean(), (changes, isConnected) => {
          const test = new TestAgent(options).gather().describe()
          test.peerAt(PEER)
          test.wire.advance(10)
          const real = realMessages(test)
          if (isConnected) test.answerFor(30)
          for (const { which, cut, flips } of changes) {
            test.deliver(changed(real[which]!, cut, flips))
            test.wire.advance(3)
          }
          // What it spins on it would spin on here; what it throws is thrown.
          test.wire.advance(60_000)
          test.close()
          assert.equal(test.wire.paths.held, 0)
        }),
        { numRuns: 100 },
      )
    })

    test(`(${name}) sends whoever knows no password no more than ${AMPLIFICATION} times what it got`, () => {
      const test = new TestAgent(options).gather().describe()
      let got = 0
      const { ufrag } = test.agent.local
      const odd = Array.from({ length: 60 }, (_, i) => 0x7000 + i)
      const messages = [
        request(),
        request(w => w.text(Attribute.username, `${ufrag}:a`)),
        request(w => {
          w.text(Attribute.username, `${ufrag}:a`)
          for (const type of odd) w.flag(type)
        }),
        test.check({ pwd: "no/password/of/anybody's", isNominating: true }),
      ]
      for (let i = 0; i < 100; i++)
        for (const bytes of messages) {
          test.deliver(bytes, STRANGER)
          got += bytes.length
        }
      test.wire.advance(60_000)
      assertModest(test, STRANGER, got)
    })
  }

  test("bears servers that answer anything", () => {
    const at = address("203.0.113.1:3478")
    const servers = [
      { type: "stun", server: at },
      { type: "turn", server: at, transport: "udp", username: "u", password: "p" },
    ] as const
    const answer = fc.record({
      type: fc.constantFrom(0x0101, 0x0111, 0x0103, 0x0113, 0x0115, 0x0116, 0x0017),
      attributes: fc.array(
        fc.record({
          type: fc.constantFrom(1, 9, 0x14, 0x15, 0x16, 0x20, 0x0d, 8, 0x12, 0x13),
          value: fc.uint8Array({ maxLength: 40 }),
        }),
        { maxLength: 6 },
      ),
    })
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 20 }), answers => {
        const test = new TestAgent({ servers }).gather().describe()
        test.wire.advance(20)
        for (const { type, attributes } of answers) {
          test.wire.advance(50)
          for (const asked of test.checks()) {
            const bytes = request(w => {
              for (const each of attributes) w.attribute(each.type, each.value)
            })
            bytes[0] = type >> 8
            bytes[1] = type & 0xff
            bytes.set(asked.bytes.subarray(8, 20), 8)
            // Without the fingerprint, which is not right any more.
            bytes[2] = (bytes.length - 28) >> 8
            bytes[3] = (bytes.length - 28) & 0xff
            test.deliver(bytes.subarray(0, bytes.length - 8), at, asked.socket)
          }
        }
        test.wire.advance(60_000)
        test.close()
        assert.equal(test.wire.paths.held, 0)
      }),
      { numRuns: 100 },
    )
  })

  test("tells of a flood of refusals a bounded number of times", () => {
    const test = new TestAgent().gather().describe()
    for (let port = 1; port < 3_000; port++) test.deliver(request(), { ...STRANGER, port })
    assert.ok(test.noted("check-rejected").length <= 100)
  })

  test("takes any text as a candidate, or says why not", () => {
    const test = new TestAgent().gather().describe()
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("candidate:1", "1", "udp", "198.51.100.7", "::1", "typ", "host", "5000", "tcptype"),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 2_000 }),
          fc.array(word).map(all => all.join(" ")),
        ),
        text => {
          const why = test.candidate(text)
          assert.ok(why === undefined || why !== "")
        },
      ),
    )
  })
})

describe("whoever connects over TCP (RFC 6544)", () => {
  function listening(limit: number) {
    const test = new TestAgent({ tcp: true, limits: { streams: limit } })
    test.wire.binds = "held"
    test.gather()
    const listen = test.wire.asked.find(({ type }) => type === "listen")!
    assert.ok("id" in listen)
    test.wire.answerHeld()
    test.describe()
    return { test, id: listen.id, before: test.wire.sockets.size }
  }

  test("and sends nothing makes room for whoever comes after", () => {
    const { test, id, before } = listening(4)
    for (let port = 1; port <= 50; port++) test.wire.accept(id, { ...STRANGER, port })
    assert.equal(test.wire.sockets.size, before + 4)
  })

  test("and proved who it is stays", () => {
    const { test, id } = listening(4)
    const socket = test.wire.accept(id, PEER)
    const bytes = test.check()
    test.deliver(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff, ...bytes), PEER, socket)
    for (let port = 1; port <= 50; port++) test.wire.accept(id, { ...STRANGER, port })
    assert.ok(test.wire.sockets.has(socket))
    test.close()
    assert.equal(test.wire.paths.held, 0)
    assert.equal(test.wire.sockets.size, 0)
  })

  test("is borne, whatever it sends", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 0, maxLength: 100 }), { maxLength: 10 }), frames => {
        const { test, id } = listening(4)
        const socket = test.wire.accept(id, STRANGER)
        for (const frame of frames) test.deliver(Uint8Array.of(0, frame.length, ...frame), STRANGER, socket)
        test.deliver(utf8(""), STRANGER, socket)
        test.wire.advance(10_000)
        assert.deepEqual(test.data, [])
      }),
      { numRuns: 50 },
    )
  })
})
