import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Attribute, Method, PasswordAlgorithm } from "../stun/index.ts"
import { NONCE_LENGTH } from "./nonce.ts"
import { Client, LONG_ALLOCATE } from "./testing/client.ts"
import { LISTENER, World } from "./testing/world.ts"

const { md5, sha256 } = PasswordAlgorithm
const COOKIE = "obMatJos2gAAA"
/** SHA-256 and MD5, each without parameters. */
const OFFER = Uint8Array.of(0, 2, 0, 0, 0, 1, 0, 0)

function setUp(transport: "udp" | "tcp" = "udp") {
  const world = new World({ limits: { nonceLifetime: 60_000 } })
  world.paths.carry(LISTENER, transport)
  const client = new Client(world, "1.2.3.4:5000")
  return { world, client, challenge: client.challenge(LONG_ALLOCATE) }
}

function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}

describe("PASSWORD-ALGORITHMS (RFC 8489 §9.2)", () => {
  test("the 401 offers SHA-256 and MD5, says so in the nonce cookie, and does not promise anonymous usernames", () => {
    const { challenge } = setUp()
    const nonce = text(challenge.message.value(Attribute.nonce))
    assert.equal(nonce.slice(0, 13), COOKIE)
    assert.equal(nonce.length, 13 + NONCE_LENGTH)
    // 24 bits: the first is "password algorithms", the second, "username anonymity", is not set.
    assert.deepEqual([...Buffer.from(nonce.slice(9, 13), "base64")], [0x80, 0, 0])
    assert.deepEqual(new Uint8Array(challenge.message.value(Attribute.passwordAlgorithms)!), OFFER)
  })

  test("either algorithm opens an allocation, is answered with MESSAGE-INTEGRITY-SHA256, and may change later", () => {
    for (const [first, then] of [
      [sha256, md5],
      [md5, sha256],
      [sha256, undefined],
      [undefined, sha256],
    ] as const) {
      const { client } = setUp()
      const opened = client.allocate(() => {}, first === undefined ? {} : { algorithm: first })
      assert.equal(opened.code, 0)
      assert.equal(opened.message.integritySha256At >= 0, first !== undefined)
      const again = client.request(Method.refresh, () => {}, then === undefined ? {} : { algorithm: then })
      assert.equal(again.code, 0)
      assert.equal(again.message.integrityAt >= 0, then === undefined)
    }
  })

  test("errors behind the authentication are answered in kind too", () => {
    const { client } = setUp()
    const answer = client.request(Method.refresh, () => {}, { algorithm: sha256 })
    assert.equal(answer.code, 437)
    assert.ok(answer.message.integritySha256At >= 0)
  })

  test("a wrong password is a 401 with a whole new offer, whatever the algorithm", () => {
    const { client } = setUp()
    for (const algorithm of [sha256, md5]) {
      const answer = client.request(Method.allocate, LONG_ALLOCATE, { algorithm, password: "wrong" })
      assert.equal(answer.code, 401)
      assert.deepEqual(new Uint8Array(answer.message.value(Attribute.passwordAlgorithms)!), OFFER)
      assert.equal(answer.message.integritySha256At, -1)
    }
  })

  test("an old nonce is a 438 with a whole new offer", () => {
    const { world, client } = setUp()
    world.advance(60_000)
    const answer = client.allocate(() => {}, { algorithm: sha256 })
    assert.equal(answer.code, 438)
    assert.equal(text(answer.message.value(Attribute.nonce)).slice(0, 13), COOKIE)
    assert.deepEqual(new Uint8Array(answer.message.value(Attribute.passwordAlgorithms)!), OFFER)
    client.nonce = answer.message.value(Attribute.nonce)!.slice()
    assert.equal(client.allocate(() => {}, { algorithm: sha256 }).code, 0)
  })
})

describe("bid-down protection (RFC 8489 §9.2.1, §9.2.4)", () => {
  test("400 unless the PASSWORD-ALGORITHMS are those that were offered, and both attributes are there", () => {
    const { client } = setUp()
    for (const algorithms of [[], [md5], [sha256], [md5, sha256], [sha256, md5, md5]]) {
      assert.equal(client.allocate(() => {}, { algorithm: md5, algorithms }).code, 400, String(algorithms))
    }
    const one = (type: number, ...value: number[]) =>
      client.allocate(writer => writer.attribute(type, Uint8Array.from(value))).code
    assert.equal(one(Attribute.passwordAlgorithm, 0, 2, 0, 0), 400)
    assert.equal(one(Attribute.passwordAlgorithms, ...OFFER), 400)
  })

  test("400 for a PASSWORD-ALGORITHM that was not offered or is unreadable", () => {
    const { client } = setUp()
    for (const value of [[0, 3, 0, 0], [0, 0, 0, 0], [0, 2, 0, 4, 1, 2, 3, 4], [0, 2, 0, 1], [0, 2], []]) {
      const answer = client.allocate(writer => {
        writer.attribute(Attribute.passwordAlgorithm, Uint8Array.from(value))
        writer.attribute(Attribute.passwordAlgorithms, OFFER)
      })
      assert.equal(answer.code, 400, String(value))
    }
  })

  test("a nonce that lost its cookie on the way is not ours any more, nor is one that was given another", () => {
    const { client } = setUp()
    const offered = client.nonce!
    const stripped = offered.slice(13)
    assert.equal(client.allocate(() => {}, { nonce: stripped }).code, 438)
    client.challenge()
    const plain = client.nonce!
    assert.equal(plain.length, NONCE_LENGTH)
    const pretended = new Uint8Array([...offered.subarray(0, 13), ...plain])
    assert.equal(client.allocate(() => {}, { nonce: pretended, algorithm: sha256 }).code, 438)
    const anonymous = new Uint8Array([...new TextEncoder().encode("obMatJos2wAAA"), ...stripped])
    assert.equal(client.allocate(() => {}, { nonce: anonymous }).code, 438)
    assert.equal(client.allocate(() => {}, { nonce: plain, algorithm: sha256 }).code, 400)
    assert.equal(client.allocate(() => {}, { nonce: offered }).code, 0)
  })
})

test("USERHASH instead of USERNAME is a 401 that asks for USERNAME; beside it it changes nothing", () => {
  const { client } = setUp()
  const hash = (writer: { attribute(type: number, value: Uint8Array): void }) =>
    writer.attribute(Attribute.userhash, new Uint8Array(32).fill(7))
  const answer = client.answer(
    client.send(
      client.plain(Method.allocate, writer => {
        writer.requestedTransport(17)
        hash(writer)
        writer.text(Attribute.realm, "test")
        writer.attribute(Attribute.nonce, client.nonce!)
        writer.attribute(Attribute.messageIntegrity, new Uint8Array(20))
      }),
    ),
  )
  assert.equal(answer.code, 401)
  assert.equal(text(answer.message.value(Attribute.nonce)).slice(0, 13), COOKIE)
  assert.equal(client.allocate(hash).code, 0)
})

describe("how long a challenge is", () => {
  const lengths: [string, (client: Client) => Uint8Array][] = [
    ["the shortest Allocate", client => client.plain(Method.allocate, w => w.requestedTransport(17))],
    ["with FINGERPRINT", client => client.plain(Method.allocate, w => w.requestedTransport(17), true)],
    ["with SOFTWARE", client => client.plain(Method.allocate, LONG_ALLOCATE)],
    ["with both", client => client.plain(Method.allocate, LONG_ALLOCATE, true)],
    ["a bare header", client => client.plain(Method.allocate)],
    ["a bare Refresh with FINGERPRINT", client => client.plain(Method.refresh, () => {}, true)],
    ["an empty attribute", client => client.plain(Method.allocate, w => w.flag(Attribute.dontFragment))],
    ["wrong credentials", client => client.signed(Method.allocate, () => {}, { password: "wrong" })],
    ["a foreign nonce", client => client.signed(Method.allocate, () => {}, { nonce: new Uint8Array(16) })],
    ["no nonce", client => client.plain(Method.allocate, w => w.attribute(8, new Uint8Array(20)))],
  ]
  for (const [name, request] of lengths) {
    test(`at most 2.2 times its request: ${name}`, () => {
      const { client } = setUp()
      const bytes = request(client)
      const answer = client.answer(client.send(bytes))
      assert.ok([400, 401, 438].includes(answer.code))
      assert.ok(answer.bytes.length <= 2.2 * bytes.length, `${answer.bytes.length} to ${bytes.length}`)
    })
  }

  test("a short request gets the challenge of RFC 5389, without cookie", () => {
    const { client } = setUp()
    const { bytes, message } = client.challenge()
    assert.equal(bytes.length, 20 + 8 + 8 + 20)
    assert.ok(!message.has(Attribute.passwordAlgorithms))
  })

  test("who cannot be spoofed is offered everything, however short the request", () => {
    const { client } = setUp("tcp")
    const { message } = client.challenge()
    assert.equal(text(message.value(Attribute.nonce)).slice(0, 13), COOKIE)
    assert.ok(message.has(Attribute.passwordAlgorithms))
  })
})
