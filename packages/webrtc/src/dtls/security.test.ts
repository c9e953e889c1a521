import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { ExtensionType } from "./extensions.ts"
import { HandshakeType } from "./handshake-type.ts"
import { readClientHello } from "./hello.ts"
import { DEFAULT_LIMITS, type DtlsVersion, fingerprintOf, selfSignedCertificate } from "./index.ts"
import { Pair } from "./testing/pair.ts"

const VERSIONS: readonly DtlsVersion[] = ["1.2", "1.3"]

/** A record without keys. */
function plain(type: number, content: Uint8Array, epoch = 0, sequence = 77): Uint8Array {
  const header = [
    type,
    0xfe,
    0xfd,
    0,
    epoch,
    0,
    0,
    0,
    0,
    0,
    sequence,
    content.length >> 8,
    content.length & 255,
  ]
  return Uint8Array.of(...header, ...content)
}

/** A whole handshake message in one record. */
function handshake(
  type: number,
  body: Uint8Array,
  { sequence = 0, length = body.length, offset = 0 } = {},
): Uint8Array {
  const uint24 = (value: number) => [value >> 16, (value >> 8) & 255, value & 255]
  const header = [type, ...uint24(length), 0, sequence, ...uint24(offset), ...uint24(body.length)]
  return plain(22, Uint8Array.of(...header, ...body))
}

/** A ClientHello whose only cipher suite is TLS_NULL_WITH_NULL_NULL. */
const NULL_HELLO = handshake(
  HandshakeType.clientHello,
  Uint8Array.of(0xfe, 0xfd, ...new Uint8Array(32), 0, 0, 0, 2, 0, 0, 1, 0),
)
const FATAL_ALERT = plain(21, Uint8Array.of(2, 40))

describe("security: a ClientHello of somebody else's", () => {
  for (const version of VERSIONS) {
    test(`${version}: before the right one, it is answered with an alert and forgotten`, () => {
      const pair = new Pair({ versions: [version] }, { versions: [version] })
      pair.server.connection.start(0, pair.server.out)
      pair.server.receive(NULL_HELLO)
      assert.equal(pair.server.connection.state, "connecting")
      assert.equal(pair.server.alerts("sent").length, 1)
      assert.match(pair.server.rejected[0]!, /^(cipher-suite|version): /)
      pair.client.connection.start(0, pair.client.out)
      assert.ok(pair.run(5_000).isConnected)
    })

    test(`${version}: at any moment of a handshake, and after it, it changes nothing`, () => {
      for (let when = 0; when < 8; when++) {
        const pair = new Pair({ versions: [version] }, { versions: [version] })
        pair.fate = (bytes, _from, count) => {
          if (count === when) pair.inject(pair.server, NULL_HELLO, pair.delay + 1)
          return bytes
        }
        pair.start().run(5_000)
        pair.inject(pair.server, NULL_HELLO)
        pair.run(5_100)
        assert.ok(pair.isConnected, `after datagram ${when}`)
        pair.client.send("still here")
        pair.run(6_000)
        assert.deepEqual(pair.server.received, ["still here"])
      }
    })
  }

  test("however many come, each costs one alert, and the first alone is evidence", () => {
    const pair = new Pair()
    pair.server.connection.start(0, pair.server.out)
    for (let i = 0; i < 100; i++) pair.server.receive(NULL_HELLO)
    assert.equal(pair.server.rejected.length, 1)
    pair.client.connection.start(0, pair.client.out)
    assert.ok(pair.run(5_000).isConnected)
  })
})

describe("security: whose certificate it is", () => {
  const other = selfSignedCertificate(nodeCrypto)
  const wrong = [fingerprintOf(nodeCrypto, other.der, "sha-256")]
  for (const version of VERSIONS)
    for (const deceived of ["client", "server"] as const)
      test(`${version}: a fingerprint that is not the ${deceived === "client" ? "server" : "client"}'s fails, before any byte or key is let out`, () => {
        const both = { versions: [version], srtp: ["AEAD_AES_128_GCM"] as const }
        const pair = new Pair(
          { ...both, ...(deceived === "client" && { remote: wrong }) },
          { ...both, ...(deceived === "server" && { remote: wrong }) },
        )
        pair.start()
        for (let until = 5; until < 200; until += 5) {
          pair.run(until)
          pair[deceived === "client" ? "server" : "client"].send("deceit")
        }
        const end = pair[deceived]
        assert.equal(end.connection.state, "failed")
        assert.match(end.rejected[0]!, /^fingerprint: /)
        assert.deepEqual(end.alerts("sent"), ["bad_certificate"])
        assert.ok(!end.events.some(({ state }) => state === "connected"))
        assert.deepEqual(end.received, [])
        assert.equal(end.connection.srtp, undefined)
        assert.throws(() => end.connection.exportKeyingMaterial("EXTRACTOR-dtls_srtp", 60), /connected/)
        assert.equal(end.send("to whomever"), false)
      })

  for (const version of VERSIONS)
    test(`${version}: the right certificate without its key proves nothing (CertificateVerify, ServerKeyExchange)`, () => {
      const thief = selfSignedCertificate(nodeCrypto)
      const stolen = { der: other.der, privateKey: thief.privateKey }
      const right = [fingerprintOf(nodeCrypto, other.der, "sha-256")]
      const deceivedServer = new Pair(
        { versions: [version], certificate: stolen },
        { versions: [version], remote: right },
      )
      deceivedServer.start().run(2_000)
      assert.equal(deceivedServer.server.connection.state, "failed")
      assert.match(deceivedServer.server.rejected[0]!, /^signature: /)
      const deceivedClient = new Pair(
        { versions: [version], remote: right },
        { versions: [version], certificate: stolen },
      )
      deceivedClient.start().run(2_000)
      assert.equal(deceivedClient.client.connection.state, "failed")
      assert.match(deceivedClient.client.rejected[0]!, /^signature: /)
    })

  test("no fingerprint at all is nobody's", () => {
    const pair = new Pair({ remote: [] }).start().run(2_000)
    assert.equal(pair.client.connection.state, "failed")
  })
})

describe("security: what has no keys", () => {
  for (const version of VERSIONS) {
    test(`${version}: data of epoch 0 is dropped, before, while and after a handshake`, () => {
      const pair = new Pair({ versions: [version] }, { versions: [version] })
      const data = plain(23, new TextEncoder().encode("from nobody"))
      pair.fate = bytes => {
        for (const end of [pair.client, pair.server]) pair.inject(end, data, 1)
        return bytes
      }
      pair.start().run(5_000)
      for (const end of [pair.client, pair.server]) {
        pair.inject(end, data)
        pair.inject(end, plain(23, new Uint8Array(40), 1))
      }
      pair.run(6_000)
      assert.ok(pair.isConnected)
      assert.deepEqual([...pair.client.received, ...pair.server.received], [])
    })

    test(`${version}: alerts without keys end nothing once there are keys`, () => {
      const pair = new Pair({ versions: [version] }, { versions: [version] }).start().run(5_000)
      for (const end of [pair.client, pair.server]) {
        pair.inject(end, FATAL_ALERT)
        pair.inject(end, plain(21, Uint8Array.of(1, 0)))
      }
      pair.run(6_000)
      assert.ok(pair.isConnected)
    })

    test(`${version}: a replayed record is dropped`, () => {
      const pair = new Pair({ versions: [version] }, { versions: [version] }).start().run(5_000)
      pair.client.send("once")
      pair.run(5_100)
      pair.inject(pair.server, pair.client.sent.at(-1)!)
      pair.run(5_200)
      assert.deepEqual(pair.server.received, ["once"])
    })
  }
})

describe("security: alerts", () => {
  test("1.3: an error ends the connection whatever level it says it is of (RFC 8446 §6.2)", () => {
    const crypto = {
      ...nodeCrypto,
      aead: (algorithm: Parameters<typeof nodeCrypto.aead>[0], key: Uint8Array) => {
        const aead = nodeCrypto.aead(algorithm, key)
        const seal: typeof aead.seal = (nonce, associated, from, size, bytes, at, length) => {
          if (length === 3 && bytes[at + 2] === 21) bytes[at] = 1
          aead.seal(nonce, associated, from, size, bytes, at, length)
        }
        return { seal, open: aead.open.bind(aead), close: () => aead.close() }
      },
    }
    const other = selfSignedCertificate(nodeCrypto)
    const remote = [fingerprintOf(nodeCrypto, other.der, "sha-256")]
    const pair = new Pair({ versions: ["1.3"], crypto, remote }).start().run(1_000)
    assert.deepEqual(pair.client.alerts("sent"), ["bad_certificate"])
    assert.equal(pair.server.connection.state, "failed")
    assert.deepEqual(pair.server.alerts("received"), ["bad_certificate"])
  })
})

describe("security: nonces", () => {
  for (const version of VERSIONS)
    test(`${version}: none comes twice, and each is made of the record's number`, () => {
      const seen = new Map<string, Set<string>>()
      let sealed = 0
      const crypto = {
        ...nodeCrypto,
        aead: (algorithm: Parameters<typeof nodeCrypto.aead>[0], key: Uint8Array) => {
          const nonces = new Set<string>()
          seen.set(Buffer.from(key).toString("hex"), nonces)
          const aead = nodeCrypto.aead(algorithm, key)
          const seal: typeof aead.seal = (nonce, ...rest) => {
            const text = Buffer.from(nonce).toString("hex")
            assert.ok(!nonces.has(text))
            nonces.add(text)
            sealed++
            aead.seal(nonce, ...rest)
          }
          return { seal, open: aead.open.bind(aead), close: () => aead.close() }
        },
      }
      const pair = new Pair({ versions: [version], crypto }, { versions: [version] }).start().run(5_000)
      for (let i = 0; i < 1_000; i++) pair.client.send("x")
      assert.ok(sealed > 1_000)
    })

  test("1.3: keys are replaced before they have sealed too much (RFC 9147 §4.5.3), and data goes on", () => {
    const pair = new Pair({ versions: ["1.3"], limits: { sealed: 50 } }, { versions: ["1.3"] })
      .start()
      .run(1_000)
    for (let i = 0; i < 500; i++) {
      pair.client.send(`${i}`)
      pair.server.send(`${i}`)
      pair.run(1_000 + 5 * i)
    }
    pair.run(10_000)
    assert.equal(pair.server.received.length, 500)
    assert.equal(pair.client.received.length, 500)
    assert.ok(pair.isConnected)
  })

  test("the other end's new keys are asked for, though ours alone were to be replaced before", () => {
    const pair = new Pair({ versions: ["1.3"], limits: { sealed: 1 } }, { versions: ["1.3"] })
    // Connected, and its last flight is on its way: what it wants has to wait.
    pair.start().run(25)
    pair.client.send("x")
    pair.client.connection.updateKeys(pair.now, pair.client.out)
    pair.run(1_000)
    pair.server.send("y")
    // The low bits of epoch 4; before it was 3.
    assert.equal(pair.server.sent.at(-1)![0]! & 3, 0)
  })

  test("both ends may ask for new keys at once", () => {
    const pair = new Pair({ versions: ["1.3"] }, { versions: ["1.3"] }).start().run(1_000)
    for (let round = 1; round < 12; round++) {
      pair.client.connection.updateKeys(pair.now, pair.client.out)
      pair.server.connection.updateKeys(pair.now, pair.server.out)
      pair.run(1_000 + 100 * round)
      pair.client.send(`c${round}`)
      pair.server.send(`s${round}`)
    }
    pair.run(5_000)
    assert.equal(pair.server.received.length, 11)
    assert.equal(pair.client.received.length, 11)
  })

  test("records that do not open end the connection when there are too many (RFC 9147 §4.5.3)", () => {
    for (const version of VERSIONS) {
      const pair = new Pair({ versions: [version] }, { versions: [version], limits: { forged: 20 } })
        .start()
        .run(1_000)
      pair.client.send("good")
      pair.run(1_100)
      const good = pair.client.sent.at(-1)!
      for (let i = 0; i < 40 && pair.server.connection.state === "connected"; i++) {
        const forged = Uint8Array.from(good)
        // Another number, so that it is no replay.
        const numberAt = version === "1.2" ? 10 : 2
        forged[numberAt]! ^= i + 1
        pair.inject(pair.server, forged)
        pair.run(1_100 + i)
      }
      assert.equal(pair.server.connection.state, "failed")
      assert.match(pair.server.events.at(-1)!.why, /did not open/)
    }
  })
})

describe("security: fragments", () => {
  const fragmentsOf = (bodyLength: number, length: number, offset: number, sequence = 0) =>
    handshake(HandshakeType.clientHello, new Uint8Array(bodyLength), { length, offset, sequence })

  test("a stray fragment of another message is not in the way of the right ones for ever", () => {
    for (const sequence of [0, 1]) {
      const pair = new Pair()
      pair.server.connection.start(0, pair.server.out)
      pair.server.receive(fragmentsOf(10, 500, 100, sequence))
      pair.client.connection.start(0, pair.client.out)
      assert.ok(pair.run(5_000).isConnected)
    }
  })

  test("what a stranger declares is never reserved: 16 MB, refused", () => {
    const pair = new Pair()
    pair.server.connection.start(0, pair.server.out)
    pair.server.receive(fragmentsOf(100, 0xffffff, 0))
    assert.match(pair.server.rejected[0]!, /^fragment: a message of 16777215 bytes, more than limits.message/)
  })

  test("pieces, messages ahead and records ahead are as many as their limits, and the handshake goes on", () => {
    const pair = new Pair()
    pair.server.connection.start(0, pair.server.out)
    for (let i = 0; i < 3 * DEFAULT_LIMITS.fragments; i++)
      pair.server.receive(fragmentsOf(1, 20_000, 100 + 2 * i, 1))
    for (let sequence = 2; sequence < 200; sequence++)
      pair.server.receive(fragmentsOf(1, 20_000, 100, sequence))
    for (let i = 0; i < 200; i++) pair.server.receive(Uint8Array.of(0x2e, 0, i, 0, 20, ...new Uint8Array(20)))
    assert.match(pair.server.rejected.join(), /more than 64 fragments/)
    pair.client.connection.start(0, pair.client.out)
    assert.ok(pair.run(5_000).isConnected)
  })

  test("connection IDs and record sizes at their limits leave room for progress", () => {
    for (const version of VERSIONS)
      for (const mtu of [256, 300]) {
        const connectionId = new Uint8Array(255).fill(9)
        const pair = new Pair(
          { versions: [version], connectionId, mtu },
          { versions: [version], connectionId, mtu },
        )
        assert.ok(pair.start().run(10_000).isConnected)
        pair.client.send("through")
        pair.run(11_000)
        assert.deepEqual(pair.server.received, ["through"])
      }
  })

  test("in every order, overlapping, and with pieces of nothing", () => {
    const pair = new Pair()
    let hello = new Uint8Array(0)
    pair.fate = (bytes, from) => {
      if (from === pair.server) return bytes
      hello = concat(hello, bytes.subarray(25))
      return undefined
    }
    pair.client.connection.start(0, pair.client.out)
    assert.ok(!("alert" in readClientHello(hello)))
    pair.fate = bytes => bytes
    pair.server.connection.start(0, pair.server.out)
    const pieces = [
      [900, hello.length],
      [0, 0],
      [300, 1000],
      [0, 200],
      [100, 301],
    ] as const
    for (const [from, to] of pieces)
      pair.server.receive(
        handshake(HandshakeType.clientHello, hello.subarray(from, to), {
          length: hello.length,
          offset: from,
        }),
      )
    assert.ok(pair.server.sent.length > 0)
  })
})

describe("security: versions", () => {
  test("who takes 1.3 out of the offer of a client that has it is found out (RFC 8446 §4.1.3)", () => {
    const pair = new Pair({}, {})
    // Somebody in between makes the extension one of a type that nobody knows.
    const type = ExtensionType.supportedVersions
    pair.fate = (bytes, from) => {
      if (from === pair.server) return bytes
      const copy = Uint8Array.from(bytes)
      for (let at = 25; at + 9 < copy.length; at++)
        if (copy[at] === 0 && copy[at + 1] === type && copy[at + 3] === 5 && copy[at + 4] === 4)
          copy[at] = 0x7a
      return copy
    }
    pair.start().run(2_000)
    assert.equal(pair.client.connection.state, "failed")
    assert.match(pair.client.rejected[0]!, /^version: both could do 1.3/)
  })

  test("1.2: a first handshake that says it renegotiates is refused (RFC 5746 §3.4, §3.6)", () => {
    for (const liar of ["client", "server"] as const) {
      const pair = new Pair({ versions: ["1.2"] }, { versions: ["1.2"] })
      pair.fate = (bytes, from) => {
        const at = Buffer.from(bytes).indexOf(Uint8Array.of(0xff, 1, 0, 1, 0))
        return from === pair[liar] && at > 0 ? bytes.with(at + 4, 5) : bytes
      }
      pair.start().run(300)
      const end = liar === "client" ? pair.server : pair.client
      assert.match(end.rejected[0]!, /^message: .*renegotiat/)
      assert.equal(end.alerts("sent")[0], "handshake_failure")
    }
  })

  test("no version, group or suite in common: an alert, and words that say which", () => {
    const failing = (
      client: ConstructorParameters<typeof Pair>[0],
      server: ConstructorParameters<typeof Pair>[1],
    ) => {
      const pair = new Pair(client, server).start().run(2_000)
      assert.equal(pair.client.connection.state, "failed")
      return `${pair.server.rejected[0]} / ${pair.client.events.at(-1)!.why}`
    }
    assert.match(failing({ versions: ["1.2"] }, { versions: ["1.3"] }), /^version: .*protocol_version$/)
    assert.match(failing({ groups: ["x25519"] }, { groups: ["secp256r1"] }), /^group: .*handshake_failure$/)
    for (const version of VERSIONS)
      assert.match(
        failing(
          { versions: [version], aeads: ["aes-128-gcm"] },
          { versions: [version], aeads: ["chacha20-poly1305"] },
        ),
        /^cipher-suite: .*handshake_failure$/,
      )
  })
})

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length)
  all.set(a)
  all.set(b, a.length)
  return all
}
