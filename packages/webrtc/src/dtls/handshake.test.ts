import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import type { AeadAlgorithm, Group } from "../crypto/index.ts"
import { Extensions, ExtensionsWriter } from "./extensions.ts"
import {
  type DtlsVersion,
  fingerprintOf,
  SRTP_PREFERENCE,
  SRTP_PROFILES,
  selfSignedCertificate,
} from "./index.ts"
import { chooseSrtp } from "./negotiation.ts"
import { settingsOf } from "./settings.ts"
import { type EndOptions, Pair } from "./testing/pair.ts"

const VERSIONS: readonly DtlsVersion[] = ["1.2", "1.3"]
const GROUPS: readonly Group[] = ["X25519MLKEM768", "x25519", "secp256r1", "secp384r1"]
const AEADS: readonly AeadAlgorithm[] = ["aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"]
const PROFILES = SRTP_PREFERENCE.filter(profile => profile !== "AES128_CM_HMAC_SHA1_32")

function connected(client: EndOptions, server: EndOptions = client): Pair {
  const pair = new Pair(client, server).start().run(5_000)
  assert.ok(pair.isConnected, [...pair.client.rejected, ...pair.server.rejected].join("; "))
  pair.client.send("from the client")
  pair.server.send("from the server")
  pair.run(6_000)
  assert.deepEqual(pair.server.received, ["from the client"])
  assert.deepEqual(pair.client.received, ["from the server"])
  return pair
}

describe("what can be agreed on", () => {
  for (const version of VERSIONS)
    for (const group of GROUPS)
      for (const aead of AEADS) {
        if (version === "1.2" && group === "X25519MLKEM768") continue
        test(`${version}, ${group}, ${aead}`, () => {
          const { client, server } = connected({ versions: [version], groups: [group], aeads: [aead] })
          for (const { connection } of [client, server]) {
            assert.equal(connection.version, version)
            assert.equal(connection.group, group)
          }
          assert.equal(client.connection.cipherSuite, server.connection.cipherSuite)
        })
      }

  for (const version of VERSIONS)
    for (const profile of PROFILES)
      test(`${version}, ${profile}: both ends have the same keys, one for each direction`, () => {
        const { client, server } = connected({ versions: [version], srtp: [profile] })
        const [ours, theirs] = [client.connection.srtp!, server.connection.srtp!]
        assert.equal(ours.profile, profile)
        assert.deepEqual(ours.local, theirs.remote)
        assert.deepEqual(ours.remote, theirs.local)
        assert.notDeepEqual(ours.local, ours.remote)
      })

  for (const version of VERSIONS)
    test(`${version}, certificates with RSA keys`, () => {
      const certificate = selfSignedCertificate(nodeCrypto, { type: "rsa-2048" })
      const pair = new Pair({ versions: [version], remote: [fingerprint(certificate.der)] }, { certificate })
      pair.start().run(5_000)
      assert.ok(pair.isConnected, pair.client.rejected.join())
    })

  test("the newest version of both, and the group that is safe from quantum computers", () => {
    const { client } = connected({})
    assert.equal(client.connection.version, "1.3")
    assert.equal(client.connection.group, "X25519MLKEM768")
  })

  test("1.2 with whoever has no other, from either side", () => {
    assert.equal(connected({ versions: ["1.2"] }, {}).server.connection.version, "1.2")
    assert.equal(connected({}, { versions: ["1.2"] }).client.connection.version, "1.2")
  })

  test("the server's preference among the client's profiles", () => {
    const { server } = connected(
      { srtp: ["AES128_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM"] },
      { srtp: ["AEAD_AES_128_GCM", "AES128_CM_HMAC_SHA1_80"] },
    )
    assert.equal(server.connection.srtp?.profile, "AEAD_AES_128_GCM")
  })

  test("GCM-128 where both have all; the short tags are never asked for, and taken by a server", () => {
    const all = { srtp: SRTP_PREFERENCE }
    assert.equal(connected(all, all).server.connection.srtp?.profile, "AEAD_AES_128_GCM")
    const short = { srtp: ["AES128_CM_HMAC_SHA1_32"] as const }
    assert.equal(connected(short, all).client.connection.srtp, undefined)
    const extensions = new ExtensionsWriter().useSrtp([SRTP_PROFILES.AES128_CM_HMAC_SHA1_32.code]).done
    const theirs = Extensions.read(extensions) as Extensions
    const certificate = selfSignedCertificate(nodeCrypto)
    const settings = settingsOf({
      ...all,
      crypto: nodeCrypto,
      certificate,
      remote: "anybody",
      role: "server",
      onData: () => {},
    })
    assert.equal(chooseSrtp(settings, theirs), "AES128_CM_HMAC_SHA1_32")
  })

  test("nothing in common: data alone, and evidence that says so", () => {
    const pair = connected({ srtp: ["AEAD_AES_128_GCM"] }, { srtp: ["AEAD_AES_256_GCM"] })
    for (const { rejected } of [pair.client, pair.server])
      assert.match(rejected[0]!, /^profile: no SRTP profile/)
  })

  test("no profile, where one end wants none: data alone", () => {
    assert.equal(connected({ srtp: PROFILES }, {}).client.connection.srtp, undefined)
  })

  test("another group than the client sent a share of: one round trip more (RFC 8446 §4.1.4)", () => {
    const pair = connected({ groups: ["X25519MLKEM768", "x25519", "secp384r1"] }, { groups: ["secp384r1"] })
    assert.equal(pair.client.connection.group, "secp384r1")
    assert.equal(pair.client.connectedAt, 4 * pair.delay)
  })

  test("keying material that depends on label, context and length, the same at both ends", () => {
    for (const version of VERSIONS) {
      const { client, server } = connected({ versions: [version] })
      const ask = (label: string, context?: Uint8Array) =>
        [client, server].map(({ connection }) => connection.exportKeyingMaterial(label, 40, context))
      const [ours, theirs] = ask("EXPORTER-a")
      assert.deepEqual(ours, theirs)
      assert.notDeepEqual(ask("EXPORTER-b")[0], ours)
      assert.notDeepEqual(ask("EXPORTER-a", Uint8Array.of(1))[0], ours)
    }
  })

  test("a server that takes anybody asks for no certificate", () => {
    for (const version of VERSIONS) connected({ versions: [version] }, { remote: "anybody" })
  })
})

describe("how long it takes without loss", () => {
  test("1.3: one round trip, the hybrid's ClientHello of two datagrams included", () => {
    const pair = connected({ versions: ["1.3"] })
    assert.equal(pair.client.connectedAt, 2 * pair.delay)
  })

  test("1.2: two round trips", () => {
    const pair = connected({ versions: ["1.2"] })
    assert.equal(pair.client.connectedAt, 4 * pair.delay)
  })
})

describe("datagrams", () => {
  for (const version of VERSIONS)
    test(`${version}: none is larger than the MTU, and small ones do`, () => {
      const pair = connected({ versions: [version], mtu: 300 })
      for (const datagram of [...pair.client.sent, ...pair.server.sent]) assert.ok(datagram.length <= 300)
    })

  for (const version of VERSIONS)
    test(`${version}: any one may be lost, doubled or late`, () => {
      const count = connected({ versions: [version] }).sent - 2
      for (let lost = 0; lost < count; lost++) {
        const pair = new Pair({ versions: [version] }, { versions: [version] })
        pair.fate = (bytes, _from, number) => (number === lost ? undefined : bytes)
        pair.start().run(30_000)
        assert.ok(pair.isConnected, `without datagram ${lost}`)
      }
      for (let doubled = 0; doubled < count; doubled++) {
        const pair = new Pair({ versions: [version] }, { versions: [version] })
        pair.fate = (bytes, from, number) => {
          if (number === doubled) pair.inject(from === pair.client ? pair.server : pair.client, bytes, 25)
          return bytes
        }
        pair.start().run(30_000)
        assert.ok(pair.isConnected, `with datagram ${doubled} twice`)
      }
    })
})

describe("connection IDs (RFC 9146, RFC 9147 §9)", () => {
  const ids = [Uint8Array.of(1, 2, 3), Uint8Array.of(9), new Uint8Array(0)]
  for (const version of VERSIONS)
    for (const ours of ids)
      for (const theirs of ids)
        test(`${version}: of ${ours.length} and ${theirs.length} bytes`, () => {
          connected(
            { versions: [version], connectionId: ours },
            { versions: [version], connectionId: theirs },
          )
        })

  test("none, where one end does not want any", () => {
    for (const version of VERSIONS)
      connected({ versions: [version], connectionId: ids[0]! }, { versions: [version] })
  })
})

function fingerprint(der: Uint8Array) {
  return fingerprintOf(nodeCrypto, der, "sha-256")
}
