import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { Attribute, Method } from "../stun/index.ts"
import { timeLimitedCredentials } from "./index.ts"
import { NONCE_LENGTH, NonceMint } from "./nonce.ts"
import { Client } from "./testing/client.ts"
import { address, EPOCH, SECRET, World } from "./testing/world.ts"

const udp = (writer: { requestedTransport(protocol: number): void }) => writer.requestedTransport(17)

function setUp() {
  const world = new World()
  const client = new Client(world, "1.2.3.4:5000")
  return { world, client }
}

describe("the long-term credential mechanism", () => {
  test("401 without integrity: realm and nonce, and nothing that need not be there", () => {
    const { client } = setUp()
    const { message, bytes } = client.challenge()
    assert.equal(new TextDecoder().decode(message.value(Attribute.realm)), "test")
    assert.equal(message.value(Attribute.nonce)!.length, NONCE_LENGTH)
    assert.equal(message.attributeCount, 3)
    assert.equal(message.integrityAt, -1)
    assert.equal(bytes.length, 20 + 8 + 8 + 20)
    // To a client's usual first request, of 28 bytes, this is what the issue of amplification is about.
    assert.ok(bytes.length <= 2.2 * client.plain(Method.allocate, udp).length)
  })

  test("401 carries a fingerprint when the request did", () => {
    const { client } = setUp()
    const answer = client.answer(client.send(client.plain(Method.allocate, udp, true)))
    assert.ok(answer.message.fingerprintAt > 0)
  })

  test("401 for a wrong password, a wrong realm, somebody else's username", () => {
    const { client } = setUp()
    client.challenge()
    const other = timeLimitedCredentials({
      crypto: nodeCrypto,
      secret: SECRET,
      room: "room",
      participant: "ben",
      expiry: EPOCH / 1000 + 3600,
    })
    for (const options of [
      { password: "wrong" },
      { realm: "elsewhere" },
      { username: other.username },
      { password: other.password },
    ]) {
      const answer = client.request(Method.allocate, udp, options)
      assert.equal(answer.code, 401)
      assert.ok(answer.message.has(Attribute.realm) && answer.message.has(Attribute.nonce))
      assert.equal(answer.message.integrityAt, -1)
    }
  })

  test("401 for usernames that are not ours to give, and none of them does harm", () => {
    const { world, client } = setUp()
    client.challenge()
    const huge = new Uint8Array(3000).fill(0x31)
    const usernames = [
      "",
      ":",
      ":room:ada",
      "abc:room:ada",
      "1e12:room:ada",
      "-1:room:ada",
      "99999999999999:room:ada",
      `${EPOCH / 1000 + 60}`,
      `${EPOCH / 1000 + 60}:`,
      "%s%n%x:'; DROP TABLE users;--\n\"\\",
      huge,
      Uint8Array.from([0xff, 0xfe, 0xc0, 0x80, 0]),
      `${EPOCH / 1000 - 1}:room:ada`,
      `${EPOCH / 1000}:room:ada`,
    ]
    for (const username of usernames) {
      assert.equal(client.request(Method.allocate, udp, { username }).code, 401)
    }
    assert.equal(world.server.counters().allocations, 0)
    assert.equal(world.evidence.filter(({ kind }) => kind === "refused").length, usernames.length)
  })

  test("odd but valid usernames are opaque", () => {
    const { world, client } = setUp()
    const hmac = nodeCrypto.hmac("sha1", SECRET)
    const head = new TextEncoder().encode(`${EPOCH / 1000 + 60}:`)
    for (const [i, tail] of [
      new TextEncoder().encode("%s%n\"'\n;:::"),
      Uint8Array.from([0xff, 0xc0, 0x80, 0, 1]),
      new Uint8Array(508 - head.length).fill(0x41),
    ].entries()) {
      const username = new Uint8Array([...head, ...tail])
      const other = new Client(world, `1.2.3.4:${6000 + i}`)
      const password = Buffer.from(hmac.sign(username)).toString("base64")
      assert.equal(other.allocate(() => {}, { username, password }).code, 0)
    }
    const tooLong = new Uint8Array([...head, ...new Uint8Array(509 - head.length).fill(0x41)])
    const password = Buffer.from(hmac.sign(tooLong)).toString("base64")
    assert.equal(client.allocate(() => {}, { username: tooLong, password }).code, 401)
  })

  test("400 for integrity without username, realm or nonce", () => {
    const { client } = setUp()
    const hmac = nodeCrypto.hmac("sha1", SECRET)
    for (const missing of [Attribute.username, Attribute.realm, Attribute.nonce]) {
      const bytes = client.plain(Method.allocate, writer => {
        for (const type of [Attribute.username, Attribute.realm, Attribute.nonce]) {
          if (type !== missing) writer.text(type, "something")
        }
        writer.messageIntegrity(hmac)
      })
      const answer = client.answer(client.send(bytes))
      assert.equal(answer.code, 400)
      assert.equal(answer.message.attributeCount, 1)
    }
  })

  test("438 for an old, a foreign, a made-up nonce; the one that comes with it is good", () => {
    const { world, client } = setUp()
    const neighbour = new Client(world, "1.2.3.4:5001")
    neighbour.challenge()
    client.challenge()
    for (const nonce of [neighbour.nonce!, new Uint8Array(16), new Uint8Array(0), new Uint8Array(700)]) {
      const answer = client.request(Method.allocate, udp, { nonce })
      assert.equal(answer.code, 438)
      assert.ok(answer.message.has(Attribute.realm))
      client.nonce = answer.message.value(Attribute.nonce)!
    }
    assert.equal(client.allocate().code, 0)
    world.advance(500_000)
    client.refresh(3600)
    world.advance(3_600_000 - 500_000)
    const stale = client.refresh(600)
    assert.equal(stale.code, 438)
    client.nonce = stale.message.value(Attribute.nonce)!
    assert.equal(client.refresh(600).code, 0)
  })

  test("MESSAGE-INTEGRITY-SHA256 without a password algorithm is good, and answered with MESSAGE-INTEGRITY", () => {
    const { client } = setUp()
    assert.equal(client.allocate(() => {}, { sha256: true }).code, 0)
    assert.equal(client.request(Method.refresh, () => {}, { sha256: true, password: "wrong" }).code, 401)
  })

  test("what follows MESSAGE-INTEGRITY is not acted on", () => {
    const { client } = setUp()
    client.challenge()
    const peer = address("8.8.8.8:9000")
    const appended = (more: Uint8Array) => (bytes: Uint8Array) => {
      const whole = new Uint8Array([...bytes, ...more])
      new DataView(whole.buffer).setUint16(2, whole.length - 20)
      return whole
    }
    const attributes = client
      .plain(Method.allocate, writer => {
        writer.uint32(Attribute.lifetime, 3000)
        writer.xorAddress(Attribute.xorPeerAddress, peer.ip, peer.port)
        writer.flag(0x7000)
      })
      .slice(20)
    const answer = client.allocate(() => {}, { tamper: appended(attributes) })
    assert.equal(answer.code, 0)
    assert.equal(answer.message.uint32(Attribute.lifetime), 600)
    const permission = client.request(Method.createPermission, () => {}, { tamper: appended(attributes) })
    assert.equal(permission.code, 400)
  })

  test("refusals are told at most so many times a second", () => {
    const world = new World({ limits: { refusalsNotedPerSecond: 3 } })
    const client = new Client(world, "1.2.3.4:5000")
    client.challenge()
    for (let i = 0; i < 10; i++) client.request(Method.allocate, udp, { password: "wrong" })
    assert.equal(world.evidence.length, 3)
    assert.equal(world.server.counters().evidenceSuppressed, 7)
    world.advance(1000)
    client.request(Method.allocate, udp, { password: "wrong" })
    assert.equal(world.evidence.length, 4)
  })
})

describe("NonceMint", () => {
  const client = address("1.2.3.4:5000")

  test("good for one client, for its lifetime, from one server", () => {
    const mint = new NonceMint(nodeCrypto, 10_000)
    const nonce = mint.mint(client, 5000)
    assert.equal(nonce.length, NONCE_LENGTH)
    assert.match(new TextDecoder().decode(nonce), /^[A-Za-z0-9+/]+$/)
    assert.ok(mint.isValid(nonce, client, 5000))
    assert.ok(mint.isValid(nonce, client, 14_999))
    assert.ok(!mint.isValid(nonce, client, 15_000))
    assert.ok(!mint.isValid(nonce, client, 3000))
    assert.ok(!mint.isValid(nonce, address("1.2.3.4:5001"), 5000))
    assert.ok(!mint.isValid(nonce, address("1.2.3.5:5000"), 5000))
    assert.ok(!new NonceMint(nodeCrypto, 10_000).isValid(nonce, client, 5000))
  })

  test("every character counts", () => {
    const mint = new NonceMint(nodeCrypto, 10_000)
    const nonce = mint.mint(client, 5000)
    for (let i = 0; i < nonce.length; i++) {
      const changed = nonce.slice()
      changed[i] = changed[i] === 65 ? 66 : 65
      assert.ok(!mint.isValid(changed, client, 5000), `character ${i}`)
    }
  })
})

describe("timeLimitedCredentials", () => {
  const request = {
    crypto: nodeCrypto,
    secret: SECRET,
    room: "standup",
    participant: "ada",
    expiry: 1_800_000_000,
  }

  test("expiry, room and participant, and base64 of the HMAC", () => {
    const { username, password } = timeLimitedCredentials(request)
    assert.equal(username, "1800000000:standup:ada")
    const expected = Buffer.from(nodeCrypto.hmac("sha1", SECRET).sign(new TextEncoder().encode(username)))
    assert.equal(password, expected.toString("base64"))
  })

  test("refuses what no server would take, or would take for somebody else", () => {
    const fails = (change: object, name: RegExp) =>
      assert.throws(() => timeLimitedCredentials({ ...request, ...change }), name)
    fails({ expiry: 1.5 }, /expiry/)
    fails({ expiry: -1 }, /expiry/)
    fails({ room: "a:b" }, /room/)
    fails({ participant: "x".repeat(500) }, /participant/)
  })
})
