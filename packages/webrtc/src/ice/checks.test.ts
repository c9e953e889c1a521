/** Checks of the other end, and answers to ours (RFC 8445 §7): what is taken, what is refused, what changes nothing. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { formatAddress } from "../bytes/index.ts"
import { Attribute } from "../stun/index.ts"
import { shortTermKey } from "./credentials.ts"
import { DEFAULT_LIMITS } from "./options.ts"
import {
  check,
  codeOf,
  failure,
  HIGHEST,
  LOWEST,
  PEER,
  parsed,
  request,
  success,
  TestAgent,
  THEIRS,
} from "./testing/peer.ts"
import { address } from "./testing/wire.ts"

const ELSEWHERE = address("198.51.100.66:6666")

/** With one check to `PEER` under way. */
function checking(options: ConstructorParameters<typeof TestAgent>[0] = {}) {
  const test = new TestAgent(options).gather().describe()
  test.peerAt(PEER)
  test.wire.advance(20)
  const [sent] = test.checks()
  assert.ok(sent !== undefined)
  return { test, sent }
}

describe("before the other end's description is known", () => {
  test("nothing is checked, whatever candidates are told", () => {
    const test = new TestAgent().gather()
    test.peerAt(PEER)
    test.wire.advance(60_000)
    assert.deepEqual(test.checks(), [])
    assert.equal(test.agent.state, "new")
  })

  test("its checks are answered, kept, and acted on once it is there (RFC 8445 §7.3.1.4)", () => {
    const test = new TestAgent({ role: "controlled" }).gather()
    const answers = test.deliver(test.check({ role: "controlling", isNominating: true }))
    assert.deepEqual(answers.map(codeOf), [0])
    test.wire.sent.length = 0
    test.describe()
    test.answerFor(20)
    assert.equal(test.agent.state, "connected")
    assert.equal(test.agent.selected?.remote.type, "prflx")
  })

  test("as many are kept as the limit says, and a check that is sent again takes no second place", () => {
    const test = new TestAgent({ limits: { earlyChecks: 2, learntCandidates: 50 } }).gather()
    for (let again = 0; again < 5; again++) test.deliver(test.check(), PEER)
    for (const port of [1, 2, 3]) test.deliver(test.check(), { ...PEER, port })
    test.describe()
    test.wire.advance(100)
    const asked = new Set(test.checks().map(({ to }) => to.port))
    assert.deepEqual([...asked], [PEER.port, 1])
  })
})

describe("a check of theirs", () => {
  const outcomes: readonly (readonly [string, number, (test: TestAgent) => Uint8Array])[] = [
    ["without credentials", 400, () => request()],
    [
      "with a username and no integrity",
      400,
      ({ agent }) => request(w => w.text(Attribute.username, `${agent.local.ufrag}:peer`)),
    ],
    ["with another password", 401, test => test.check({ pwd: THEIRS.pwd })],
    ["for another ufrag", 401, test => test.check({ username: "other:peer" })],
    [
      "with the halves of the username exchanged",
      401,
      t => t.check({ username: `peer:${t.agent.local.ufrag}` }),
    ],
    ["without a colon in the username", 400, test => test.check({ username: test.agent.local.ufrag })],
  ]
  for (const [what, code, make] of outcomes)
    test(`${what} is answered with ${code} and changes nothing`, () => {
      const test = new TestAgent({ role: "controlled" }).gather().describe()
      const bytes = make(test)
      const { state } = test.agent
      const answers = test.deliver(bytes)
      assert.deepEqual(answers.map(codeOf), [code])
      assert.equal(formatAddress(answers[0]!.to), formatAddress(PEER))
      assert.ok(answers[0]!.bytes.length <= 2.2 * bytes.length)
      test.wire.sent.length = 0
      test.wire.advance(5_000)
      assert.deepEqual(test.wire.sent, [])
      assert.equal(test.agent.state, state)
      assert.equal(test.noted("check-rejected").length, 1)
    })

  test("with an attribute that must be understood and is not is answered with 420, which is signed", () => {
    const test = new TestAgent().gather().describe()
    const bytes = test.check()
    // PRIORITY becomes something nobody knows; the integrity of it is made anew by the peer.
    const message = parsed(bytes)
    assert.ok(message.has(Attribute.priority))
    const odd = signedWith(test, 0x7abc)
    const [answer] = test.deliver(odd)
    assert.equal(codeOf(answer!), 420)
    assert.ok(parsed(answer!.bytes).integrityAt >= 0)
    assert.deepEqual([...parsed(answer!.bytes).value(Attribute.unknownAttributes)!], [0x7a, 0xbc])
    test.wire.sent.length = 0
    test.wire.advance(1_000)
    assert.deepEqual(test.wire.sent, [])
  })

  test("without a fingerprint is none (RFC 8445 §7.1)", () => {
    const test = new TestAgent().gather().describe()
    const bytes = test.check().slice(0, -8)
    bytes[3] = bytes[3]! - 8
    assert.deepEqual(test.deliver(bytes), [])
  })

  test("of ours, reflected, is refused once, and the refusal of that, reflected, is nothing", () => {
    const { test, sent } = checking()
    const [refusal] = test.deliver(sent.bytes)
    assert.equal(codeOf(refusal!), 401)
    assert.deepEqual(test.deliver(refusal!.bytes), [])
    assert.equal(test.agent.state, "checking")
    test.deliver(success(sent.bytes))
    assert.equal(test.agent.state, "connected")
  })

  test("a replay from elsewhere wins nothing: whoever sent it cannot answer", () => {
    const test = new TestAgent({ role: "controlled" }).connect()
    const captured = test.check({ role: "controlling", isNominating: true })
    test.deliver(captured)
    test.deliver(captured, ELSEWHERE)
    test.answerFor(5_000)
    assert.equal(formatAddress(test.agent.selected!.remote.address), formatAddress(PEER))
  })

  test("makes no more candidates than the limit, whatever number of ports it comes from", () => {
    const test = new TestAgent().gather().describe()
    for (let port = 1; port <= 500; port++) test.deliver(test.check(), { ...PEER, port })
    test.wire.advance(1_000)
    const asked = new Set(test.checks().map(({ to }) => to.port))
    assert.equal(asked.size, DEFAULT_LIMITS.learntCandidates)
  })

  test("neither do candidates that are learnt first and told then", () => {
    const test = new TestAgent({ limits: { remoteCandidates: 4, learntCandidates: 2 } }).gather().describe()
    for (let port = 1; port <= 100; port++) {
      test.deliver(test.check(), { ...PEER, port })
      test.peerAt({ ...PEER, port })
    }
    test.wire.advance(1_000)
    const asked = new Set(test.checks().map(({ to }) => to.port))
    assert.ok(asked.size <= 6, `${asked.size} candidates`)
  })
})

describe("an answer to a check of ours", () => {
  test("from where it was asked makes the pair work", () => {
    const { test, sent } = checking()
    test.deliver(success(sent.bytes))
    assert.equal(test.agent.state, "connected")
    assert.ok(test.send("hello"))
  })

  const nothings: readonly (readonly [string, (request: Uint8Array) => Uint8Array])[] = [
    ["signed with another password", bytes => success(bytes, PEER, "no/password/of/anybody's")],
    ["with another transaction id", () => success(request())],
    ["that says 401, and who would not?", bytes => failure(bytes, 401, "")],
    ["that says 487, unsigned", bytes => failure(bytes, 487, "")],
    ["that says 400, unsigned", bytes => failure(bytes, 400, "")],
  ]
  for (const [what, make] of nothings)
    test(`${what}, is as if nothing had come`, () => {
      const { test, sent } = checking()
      test.deliver(make(sent.bytes))
      assert.equal(test.agent.state, "checking")
      assert.equal(test.agent.role, "controlling")
      test.deliver(success(sent.bytes))
      assert.equal(test.agent.state, "connected")
    })

  test("from another address fails the pair (RFC 8445 §7.2.5.2.1)", () => {
    const { test, sent } = checking()
    test.deliver(success(sent.bytes), ELSEWHERE)
    assert.equal(test.agent.state, "checking")
    assert.equal(test.send("to whom?"), false)
    assert.ok(test.noted("pair-state").some(each => "state" in each && each.state === "failed"))
  })

  test("that comes to another socket of ours fails the pair", () => {
    const test = new TestAgent().gather(address("192.0.2.1:0").ip, address("192.0.2.9:0").ip).describe()
    test.peerAt(PEER)
    test.wire.advance(5)
    const [sent] = test.checks()
    const other = [...test.wire.sockets.keys()].find(socket => socket !== sent!.socket)!
    test.deliver(success(sent!.bytes), PEER, other)
    assert.equal(test.agent.state, "checking")
    assert.equal(test.send("to whom?"), false)
  })

  test("where what is in use fails by it, data goes over what else works at once", () => {
    const test = new TestAgent().gather().describe()
    const second = { ...PEER, port: 5001 }
    test.peerAt(PEER)
    test.peerAt(second, 2_000_000_000)
    test.answerFor(50, PEER, second)
    assert.equal(test.agent.selected?.remote.address.port, PEER.port)
    test.wire.advance(6_000)
    const consent = test.checks().find(({ to }) => to.port === PEER.port)!
    test.deliver(success(consent.bytes), ELSEWHERE)
    assert.equal(test.agent.selected?.remote.address.port, second.port)
    assert.ok(test.send("hello"))
    assert.equal(test.agent.state, "connected")
  })

  test("with a signed error fails the pair", () => {
    const { test, sent } = checking()
    test.deliver(failure(sent.bytes, 500))
    assert.ok(test.noted("pair-state").some(each => "state" in each && each.state === "failed"))
  })

  test("without where they see us is none", () => {
    const { test, sent } = checking()
    const answer = failure(sent.bytes, 420)
    // An error's type made a success's: what it has is no XOR-MAPPED-ADDRESS, and its integrity is wrong, too.
    answer[0] = 0x01
    answer[1] = 0x01
    test.deliver(answer)
    assert.equal(test.agent.state, "checking")
  })
})

describe("a role conflict (RFC 8445 §7.3.1.1)", () => {
  const cases = [
    { ours: "controlling", tieBreaker: LOWEST, code: 487, after: "controlling" },
    { ours: "controlling", tieBreaker: HIGHEST, code: 0, after: "controlled" },
    { ours: "controlled", tieBreaker: LOWEST, code: 0, after: "controlling" },
    { ours: "controlled", tieBreaker: HIGHEST, code: 487, after: "controlled" },
  ] as const
  for (const { ours, tieBreaker, code, after } of cases)
    test(`both ${ours}, ${tieBreaker === LOWEST ? "ours" : "theirs"} is higher: ${code === 0 ? "we change" : "487"}`, () => {
      const test = new TestAgent({ role: ours }).gather().describe()
      assert.equal(codeOf(test.deliver(test.check({ role: ours, tieBreaker }))[0]!), code)
      assert.equal(test.agent.role, after)
    })

  for (const [ours, code, after] of [
    ["controlling", 487, "controlling"],
    ["controlled", 0, "controlling"],
  ] as const)
    test(`equal tie-breakers, both ${ours}`, () => {
      const { test, sent } = checking({ role: ours })
      const message = parsed(sent.bytes)
      const type = ours === "controlling" ? Attribute.iceControlling : Attribute.iceControlled
      const tieBreaker = message.value(type)!.slice()
      assert.equal(codeOf(test.deliver(test.check({ role: ours, tieBreaker }))[0]!), code)
      assert.equal(test.agent.role, after)
    })

  test("487 makes us change once, and check again (§7.2.5.1)", () => {
    const { test, sent } = checking()
    test.deliver(failure(sent.bytes, 487))
    assert.equal(test.agent.role, "controlled")
    test.wire.advance(20)
    const [again] = test.checks()
    assert.ok(parsed(again!.bytes).has(Attribute.iceControlled))
    // It is settled: what comes late says nothing about the role we have now.
    test.deliver(failure(sent.bytes, 487))
    assert.equal(test.agent.role, "controlled")
  })

  test("without credentials changes no role", () => {
    const test = new TestAgent().gather().describe()
    const pwd = "nobody's/password/at/all"
    test.deliver(test.check({ role: "controlling", tieBreaker: HIGHEST, pwd }))
    assert.equal(test.agent.role, "controlling")
  })

  test("makes nothing of what we nominated ourselves a nomination of theirs", () => {
    const second = { ...PEER, port: 5001 }
    const test = new TestAgent().gather().describe({ ...THEIRS, options: ["renomination"] })
    test.peerAt(second, 2_000_000_000)
    test.answerFor(100, PEER, second)
    // Our second nomination.
    test.peerAt(PEER)
    test.answerFor(100, PEER, second)
    assert.equal(test.agent.selected?.remote.address.port, PEER.port)
    test.deliver(
      test.check({ role: "controlling", tieBreaker: HIGHEST, isNominating: true, nomination: 1 }),
      second,
    )
    assert.equal(test.agent.role, "controlled")
    assert.equal(test.agent.selected?.remote.address.port, second.port)
  })
})

describe("nomination", () => {
  const second = { ...PEER, port: 5001 }
  function controlled(): TestAgent {
    const test = new TestAgent({ role: "controlled" }).gather().describe()
    test.peerAt(PEER)
    test.peerAt(second, 2_000_000_000)
    test.answerFor(50, PEER, second)
    return test
  }
  const nominate = (test: TestAgent, at: typeof PEER, nomination: number) =>
    test.deliver(test.check({ role: "controlling", tieBreaker: HIGHEST, isNominating: true, nomination }), at)

  test("by whoever controls is followed, and one of a lower number that comes late is not", () => {
    const test = controlled()
    assert.equal(test.agent.selected?.remote.address.port, PEER.port)
    nominate(test, second, 3)
    assert.equal(test.agent.selected?.remote.address.port, second.port)
    nominate(test, PEER, 2)
    assert.equal(test.agent.selected?.remote.address.port, second.port)
    nominate(test, PEER, 4)
    assert.equal(test.agent.selected?.remote.address.port, PEER.port)
  })

  test("of a number that was said before is no newer for a lower one on the same pair", () => {
    const test = controlled()
    nominate(test, PEER, 3)
    test.wire.advance(5)
    nominate(test, second, 3)
    assert.equal(test.agent.selected?.remote.address.port, second.port)
    test.wire.advance(5)
    nominate(test, PEER, 2)
    assert.equal(test.agent.selected?.remote.address.port, second.port)
  })

  test("by whoever is controlled means nothing", () => {
    const test = new TestAgent().gather().describe()
    test.peerAt(PEER)
    test.peerAt(second, 2_000_000_000)
    test.answerFor(50, PEER, second)
    test.deliver(test.check({ isNominating: true, nomination: 9 }), second)
    assert.equal(test.agent.selected?.remote.address.port, PEER.port)
  })
})

describe("candidates of theirs", () => {
  test("are taken up to the limit, and refused with the reason", () => {
    const test = new TestAgent().gather().describe()
    for (let port = 1; port <= DEFAULT_LIMITS.remoteCandidates; port++)
      assert.equal(test.peerAt({ ...PEER, port }), undefined)
    assert.equal(test.peerAt({ ...PEER, port: 60_000 }), "more than 100 candidates")
    assert.equal(test.peerAt({ ...PEER, port: 1 }), undefined)
  })

  const refused: readonly (readonly [string, string])[] = [
    ["candidate:1 1 udp 1 4f1e6b3a-0000.local 5000 typ host", "name"],
    ["candidate:1 1 udp 1 198.51.100.7 5000 typ host ufrag else", "of another generation"],
    ["candidate:1 2 udp 1 198.51.100.7 5000 typ host", "unknown"],
    ["nonsense", "malformed"],
    ["candidate:1 1 udp 1 198.51.100.7 0 typ host", "of no host"],
    ["candidate:1 1 udp 1 0.0.0.0 5000 typ host", "of no host"],
    ["candidate:1 1 udp 1 :: 5000 typ host", "of no host"],
    ["candidate:1 1 udp 1 224.0.0.1 5000 typ host", "of no host"],
    ["candidate:1 1 udp 1 255.255.255.255 5000 typ host", "of no host"],
    ["candidate:1 1 udp 1 ff02::1 5000 typ host", "of no host"],
  ]
  for (const [text, why] of refused)
    test(`${text}: ${why}`, () => {
      const test = new TestAgent().gather().describe()
      assert.equal(test.candidate(text), why)
      test.wire.advance(1_000)
      assert.deepEqual(test.checks(), [])
      assert.equal(test.noted("candidate-ignored").length, 1)
    })

  test("that only connect are taken, as their port says nothing", () => {
    const test = new TestAgent({ tcp: true }).gather().describe()
    assert.equal(test.candidate("candidate:1 1 tcp 1 198.51.100.7 0 typ host tcptype active"), undefined)
  })
})

describe("data", () => {
  const hello = new TextEncoder().encode("hello")

  test("is handed up from where pairs are, and from nowhere else", () => {
    const test = new TestAgent().connect()
    test.deliver(hello)
    test.deliver(hello, ELSEWHERE)
    assert.deepEqual(test.data, ["hello"])
    assert.deepEqual(test.noted("check-rejected"), [])
  })

  test("goes on over the old pair while a restart is under way, and comes from it", () => {
    const test = new TestAgent().connect()
    test.restart()
    assert.ok(test.send("still here"))
    test.deliver(hello)
    assert.deepEqual(test.data, ["hello"])
    assert.equal(test.agent.state, "connected")
  })
})

describe("checks for credentials of before a restart", () => {
  test("are answered while the old generation lives", () => {
    const test = new TestAgent().connect()
    const old = check(test.agent.local)
    test.restart()
    assert.deepEqual(test.deliver(old).map(codeOf), [0])
  })
})

function signedWith({ agent }: TestAgent, type: number): Uint8Array {
  const { ufrag, pwd } = agent.local
  return request(w => {
    w.text(Attribute.username, `${ufrag}:peer`)
    w.uint32(type, 1)
    w.messageIntegrity(shortTermKey(nodeCrypto, pwd))
  })
}
