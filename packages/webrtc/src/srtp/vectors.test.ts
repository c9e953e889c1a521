import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { chooseCiphers } from "@tightbeam/webrtc/crypto/ciphers"
import type { SrtpProfile } from "../crypto/index.ts"
import { AeadRtcp, AeadRtp } from "./aead-transform.ts"
import { HeaderExtensions } from "./header-extensions.ts"
import { SrtpReceiver } from "./receiver.ts"
import { SrtpSender } from "./sender.ts"
import { LABEL, type Label, sessionKey } from "./session-keys.ts"

const fromHex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const withRoom = (packet: Uint8Array, room: number) => Uint8Array.of(...packet, ...new Uint8Array(room))

const forms = [
  ["node:crypto", chooseCiphers("off").ciphers, undefined],
  ["native calls", chooseCiphers("auto").ciphers, chooseCiphers("auto").why],
] as const

const RFC3711 = {
  key: fromHex("e1f97a0d3e018be0d64fa32c06de4139"),
  salt: fromHex("0ec675ad498afeebb6960b3aabe6"),
}
const RFC6188 = {
  key: fromHex("f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6"),
  salt: fromHex("3b04803de51ee7c96423ab5b78d2"),
}
const RFC9335_GCM = {
  key: fromHex("000102030405060708090a0b0c0d0e0f"),
  salt: fromHex("a0a1a2a3a4a5a6a7a8a9aaab"),
}
const KEY_128 = fromHex("000102030405060708090a0b0c0d0e0f")
const KEY_256 = Uint8Array.from({ length: 32 }, (_, i) => i)
const QUID_PRO_QUO = fromHex("517569642070726f2071756f")

for (const [form, ciphers, why] of forms)
  describe(`Vectors of SRTP with ciphers by ${form}`, { skip: why ?? false }, () => {
    test("session keys are those of RFC 3711 B.3, RFC 6188 §7.2, RFC 6904 A.1, and of 12 bytes of salt", () => {
      const derived: readonly [typeof RFC3711, Label, string][] = [
        [RFC3711, LABEL.rtpEncryption, "c61e7a93744f39ee10734afe3ff7a087"],
        [RFC3711, LABEL.rtpSalt, "30cbbc08863d8c85d49db34a9ae1"],
        [
          RFC3711,
          LABEL.rtpAuthentication,
          `cebe321f6ff7716b6fd4ab49af256a15 6d38baa48f0a0acf3c34e2359e6cdbce e049646c43d9327ad175578ef7227098
           6371c10c9a369ac2f94a8c5fbcdddc25 6d6e919a48b610ef17c2041e47403576 6b68642c59bbfc2f34db60dbdfb2`,
        ],
        [RFC6188, LABEL.rtpEncryption, "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"],
        [RFC6188, LABEL.rtpSalt, "fa31791685ca444a9e07c6c64e93"],
        [RFC6188, LABEL.rtpAuthentication, "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"],
        [RFC3711, LABEL.headerEncryption, "549752054d6fb708622c4a2e596a1b93"],
        [RFC3711, LABEL.headerSalt, "ab01818174c40d39a3781f7c2d27"],
        [RFC9335_GCM, LABEL.rtpEncryption, "077c6143cb221bc355ff23d5f984a16e"],
        [RFC9335_GCM, LABEL.rtpSalt, "9af3e95364ebac9c99c5a7c4"],
      ]
      for (const [master, label, expected] of derived) {
        const bytes = fromHex(expected)
        assert.equal(hex(sessionKey(ciphers, master, label, bytes.length)), hex(bytes))
      }
    })

    test("SRTP with AES-GCM is RFC 7714 §16's", () => {
      const plain = fromHex(
        `8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070
         61727465 73207472 6573`,
      )
      const sealed = [
        [
          "aes-128-gcm",
          KEY_128,
          `8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
           51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`,
        ],
        [
          "aes-256-gcm",
          KEY_256,
          `8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
           76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`,
        ],
      ] as const
      for (const [algorithm, key, expected] of sealed) {
        const rtp = new AeadRtp(ciphers, algorithm, key, QUID_PRO_QUO)
        const packet = withRoom(plain, rtp.overhead)
        rtp.seal(packet, 0, plain.length, 12, 0, 0x5501a0b2, 0xf17b)
        assert.equal(hex(packet), hex(fromHex(expected)), algorithm)
        assert.ok(rtp.open(packet, 0, plain.length, 12, 0, 0x5501a0b2, 0xf17b))
        assert.equal(hex(packet.subarray(0, plain.length)), hex(plain))
      }
    })

    test("SRTCP with AES-GCM is RFC 7714 §17's", () => {
      const plain = fromHex(
        `81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef
         deadbeef deadbeef deadbeef`,
      )
      const sealed = [
        [
          "aes-128-gcm",
          KEY_128,
          `81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
           4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`,
        ],
        [
          "aes-256-gcm",
          KEY_256,
          `81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
           8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4`,
        ],
      ] as const
      for (const [algorithm, key, expected] of sealed) {
        const rtcp = new AeadRtcp(ciphers, algorithm, key, QUID_PRO_QUO)
        const packet = withRoom(plain, rtcp.overhead)
        rtcp.seal(packet, 0, plain.length, 0x4d617273, 0x5d4)
        assert.equal(hex(packet), hex(fromHex(expected)), algorithm)
        assert.ok(rtcp.open(packet, 0, plain.length, 0x4d617273, 0x5d4))
        assert.equal(hex(packet.subarray(0, plain.length)), hex(plain))
      }
    })

    test("header extensions are encrypted as in RFC 6904 A.2", () => {
      const extensions = new HeaderExtensions(
        ciphers,
        sessionKey(ciphers, RFC3711, LABEL.headerEncryption, 16),
        sessionKey(ciphers, RFC3711, LABEL.headerSalt, 14),
        [1, 3, 4],
      )
      const header = "90001234 00000000 cafebabe bede0006"
      const plain = fromHex(`${header} 17414273a475262748220000c8308e46 55996386b395fb00`)
      const packet = plain.slice()
      assert.ok(extensions.apply(packet, 0, 0xcafebabe, 0x1234))
      assert.equal(hex(packet), hex(fromHex(`${header} 17588a9270f4e15e1c220000c8309546 a994f0bc54789700`)))
      assert.ok(extensions.apply(packet, 0, 0xcafebabe, 0x1234))
      assert.equal(hex(packet), hex(plain))
    })

    for (const [profile, master, vectors] of cryptexVectors())
      test(`${profile} with cryptex is RFC 9335's, appendix A`, () => {
        for (const [plain, expected] of vectors) {
          const sender = new SrtpSender(ciphers, master, profile, { cryptex: true })
          const receiver = new SrtpReceiver(ciphers, master, profile, { cryptex: "require" })
          const packet = withRoom(plain, sender.overhead)
          const length = sender.protect(packet, 0, plain.length)
          assert.equal(hex(packet.subarray(0, length)), hex(expected))
          assert.equal(receiver.unprotect(packet, 0, length), plain.length)
          assert.equal(hex(packet.subarray(0, plain.length)), hex(plain))
        }
      })
  })

function* cryptexVectors(): Generator<
  [SrtpProfile, typeof RFC3711, readonly (readonly [plain: Uint8Array, sealed: Uint8Array])[]]
> {
  const payload = "abababab".repeat(4)
  const csrcs = "0001e2400000b26e"
  const packets = [
    ["900f1235decafbadcafebabe", "", "bede0001", "51000200"],
    ["900f1236decafbadcafebabe", "", "10000001", "05020002"],
    ["920f1238decafbadcafebabe", csrcs, "bede0001", "51000200"],
    ["920f1239decafbadcafebabe", csrcs, "10000001", "05020002"],
    ["920f123adecafbadcafebabe", csrcs, "bede0000", ""],
    ["920f123bdecafbadcafebabe", csrcs, "10000000", ""],
  ] as const
  const counterMode = [
    ["", "c0de0001", "eb92365251c3e036f8de27e9c27ee3e0b4651d9fbc4218a70244522f34a5"],
    ["", "c2de0001", "4ed9cc4e6a712b3096c5ca77339d4204ce0d77396cab69585fbce38194a5"],
    ["8bb6e12b5cff16dd", "c0de0001", "92838c8c09e58393e1de3a9a74734d6745671338c3acf11da2df8423bee0"],
    ["f70e513eb90b9b25", "c2de0001", "bbed4848faa644665f3d7f34125914e9f4d0ae923c6f479b95a0f7b53133"],
    ["7130b6abfe2ab0e3", "c0de0000", "e3d9f64b25c9e74cb4cf8e43fb92e3781c2c0ceab6b3a499a14c"],
    ["cbf24c124330e1c8", "c2de0000", "599dd45bc9d687b603e8b59d771fd38e88b170e0cd31e125eabe"],
  ] as const
  const gcm = [
    ["", "c0de0001", "39972dc9572c4d99e8fc355de743fb2e94f9d8ff54e72f4193bbc5c74ffab0fa9fa0fbeb"],
    ["", "c2de0001", "bb75a4c545cd1f413bdb7daa2b1e3263de313667c963249081b35a65f5cb6c88b394235f"],
    [
      "63bbccc4a7f695c4",
      "c0de0001",
      "8ad7c71fac70a80c92866b4c6ba98546ef913586e95ffaaffe956885bb0647a8bc094ac8",
    ],
    [
      "3680524f8d312b00",
      "c2de0001",
      "c78d120038422bc111a7187a18246f980c059cc6bc9df8b626394eca344e4b05d80fea83",
    ],
    ["15b6bb4337906fff", "c0de0000", "b7b964537a2b03ab7ba5389ce93317126b5d974df30c6884dcb651c5e120c1da"],
    ["dcb38c9e48bf95f4", "c2de0000", "61ee432cf920317076613258d3ce4236c06ac429681ad08413512dc98b5207d8"],
  ] as const
  const pairs = (sealed: typeof counterMode | typeof gcm) =>
    packets.map(([fixed, csrc, extension, body], i) => {
      const [hiddenCsrc, hiddenExtension, rest] = sealed[i]!
      return [
        fromHex(fixed + csrc + extension + body + payload),
        fromHex(fixed + hiddenCsrc + hiddenExtension + rest),
      ] as const
    })
  yield ["AES128_CM_HMAC_SHA1_80", RFC3711, pairs(counterMode)]
  yield ["AEAD_AES_128_GCM", RFC9335_GCM, pairs(gcm)]
}
