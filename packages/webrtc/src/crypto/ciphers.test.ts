import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { chooseCiphers, difference } from "./choose-ciphers.ts"
import { nodeCiphers } from "./node-ciphers.ts"
import { AEAD_KEY_LENGTH, AEAD_TAG_LENGTH, type AeadAlgorithm, type Ciphers } from "./transport-crypto.ts"

const fromHex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

interface AeadVector {
  readonly algorithm: AeadAlgorithm
  readonly key: string
  readonly nonce: string
  readonly associated: string
  readonly plain: string
  readonly sealed: string
}

const NIST = {
  nonce: "cafebabefacedbaddecaf888",
  associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
  plain: `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525
    b16aedf5aa0de657ba637b39`,
}

const aeadVectors: readonly AeadVector[] = [
  // "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 4 and 16.
  {
    ...NIST,
    algorithm: "aes-128-gcm",
    key: "feffe9928665731c6d6a8f9467308308",
    sealed: `42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05
      1ba30b396a0aac973d58e091 5bc94fbc3221a5db94fae95ae7121a47`,
  },
  {
    ...NIST,
    algorithm: "aes-256-gcm",
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    sealed: `522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838
      c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b`,
  },
  // RFC 8439 §2.8.2.
  {
    algorithm: "chacha20-poly1305",
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    nonce: "070000004041424344454647",
    associated: "50515253c0c1c2c3c4c5c6c7",
    plain: hex(
      Buffer.from(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      ),
    ),
    sealed: `d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
      1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b6116 1ae10b594f09e26a7e902ecbd0600691`,
  },
]

const chosen = chooseCiphers("auto")
const forms: readonly (readonly [string, Ciphers, string | undefined])[] = [
  ["node:crypto", nodeCiphers, undefined],
  ["native calls", chosen.ciphers, chosen.why],
]

for (const [form, ciphers, why] of forms)
  describe(`Ciphers by ${form}`, { skip: why ?? false }, () => {
    test("AEADs seal and open the known answers, in place, the associated data in the same bytes or elsewhere", () => {
      for (const { algorithm, key, nonce, associated, plain, sealed } of aeadVectors) {
        const held = fromHex(key)
        const aead = ciphers.aead(algorithm, held)
        held.fill(0)
        const header = fromHex(associated)
        const body = fromHex(plain)
        const packet = Uint8Array.of(7, ...header, ...body, ...new Uint8Array(AEAD_TAG_LENGTH), 7)
        const bodyAt = 1 + header.length
        aead.seal(fromHex(nonce), packet, 1, header.length, packet, bodyAt, body.length)
        assert.equal(hex(packet), `07${associated}${hex(fromHex(sealed))}07`, algorithm)
        const length = body.length + AEAD_TAG_LENGTH
        assert.ok(aead.open(fromHex(nonce), header, 0, header.length, packet, bodyAt, length))
        assert.equal(hex(packet.subarray(bodyAt, bodyAt + body.length)), hex(body), algorithm)
        aead.close()
      }
    })

    test("AEADs do not open what was changed, and are good for the next", () => {
      for (const algorithm of ciphers.aeads) {
        const aead = ciphers.aead(algorithm, new Uint8Array(AEAD_KEY_LENGTH[algorithm]).fill(1))
        const [nonce, header] = [new Uint8Array(12), new Uint8Array(5)]
        const sealed = new Uint8Array(40 + AEAD_TAG_LENGTH)
        aead.seal(nonce, header, 0, 5, sealed, 0, 40)
        const open = (bytes: Uint8Array, length = bytes.length) =>
          aead.open(nonce, header, 0, 5, bytes, 0, length)
        for (let i = 0; i < sealed.length; i++) {
          const changed = sealed.slice()
          changed[i]! ^= 1
          assert.ok(!open(changed), `${algorithm}, byte ${i}`)
        }
        for (let length = 0; length < sealed.length; length++) assert.ok(!open(sealed.slice(), length))
        assert.ok(open(sealed.slice()))
        header[0] = 1
        assert.ok(!open(sealed.slice()))
        aead.close()
      }
    })

    test("an AEAD seals and opens nothing at all, and authenticates what stands by it", () => {
      for (const algorithm of ciphers.aeads) {
        const aead = ciphers.aead(algorithm, new Uint8Array(AEAD_KEY_LENGTH[algorithm]).fill(2))
        const [nonce, header, tag] = [new Uint8Array(12), new Uint8Array(8), new Uint8Array(AEAD_TAG_LENGTH)]
        aead.seal(nonce, header, 0, 8, tag, 0, 0)
        assert.ok(aead.open(nonce, header, 0, 8, tag, 0, AEAD_TAG_LENGTH))
        assert.ok(!aead.open(nonce, header, 0, 7, tag, 0, AEAD_TAG_LENGTH))
        aead.close()
      }
    })

    test("counter mode is RFC 3711 appendix B.2's, and RFC 6188 §7.1's with a longer key", () => {
      const keystreams = [
        [
          "2b7e151628aed2a6abf7158809cf4f3c",
          "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0",
        ],
        [
          "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
          "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31",
        ],
      ] as const
      for (const [key, expected] of keystreams) {
        const counterMode = ciphers.counterMode(fromHex(key))
        const iv = fromHex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000")
        const bytes = new Uint8Array(50)
        counterMode.apply(iv, bytes, 1, 48)
        assert.equal(hex(bytes), `00${expected}00`)
        counterMode.apply(iv, bytes, 1, 48)
        assert.deepEqual(bytes, new Uint8Array(50))
        counterMode.close()
      }
    })

    test("the packet's MAC is RFC 2202's HMAC-SHA1, cut as asked, written where asked", () => {
      const held = new TextEncoder().encode("Jefe")
      const mac = ciphers.packetMac(held)
      held.fill(0)
      const packet = new Uint8Array([
        7,
        ...new TextEncoder().encode("what do ya want for nothing?"),
        7,
        7,
        7,
        7,
      ])
      for (let times = 0; times < 2; times++) {
        mac.tag(packet, 1, 28, packet, 29, 4)
        assert.equal(hex(packet.subarray(29)), "effcdf6a")
      }
      const whole = new Uint8Array(22)
      mac.tag(packet, 1, 28, whole, 1, 20)
      assert.equal(hex(whole), "00effcdf6ae5eb2fa2d27416d5f184df9c259a7c7900")
      mac.close()
    })

    test("masks of record numbers are those of RFC 9001 appendix A, which RFC 9147 §4.2.3 makes the same way", () => {
      const masks = [
        ["aes-128-gcm", "9f50449e04a0e810283a1e9933adedd2", "d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36"],
        [
          "chacha20-poly1305",
          "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
          "5e5cd55c41f69080575d7999c25a5bfb",
          "aefefe7d03",
        ],
      ] as const
      for (const [algorithm, key, sample, expected] of masks) {
        const mask = ciphers.recordNumberMask(algorithm, fromHex(key))
        const ciphertext = fromHex(`00${sample}00`)
        for (let times = 0; times < 2; times++)
          assert.equal(hex(mask(ciphertext, 1).subarray(0, 5)), expected, algorithm)
      }
    })
  })

test("native: off is node:crypto, and says so", () => {
  const { form, why, ciphers } = chooseCiphers("off")
  assert.deepEqual([form, why], ["node", "native: off"])
  assert.equal(ciphers, nodeCiphers)
})

test("a form that answers anything else than node:crypto is found out, by each algorithm", () => {
  assert.equal(difference(nodeCiphers, nodeCiphers), undefined)
  const zeros = { tag: () => {}, apply: () => {}, close: () => {} }
  const wrong: readonly [Partial<Ciphers>, RegExp][] = [
    [
      {
        aead: (algorithm, key) =>
          nodeCiphers.aead(
            algorithm,
            key.map(byte => byte ^ 1),
          ),
      },
      /^aes-128-gcm /,
    ],
    [
      {
        aead: (algorithm, key) => ({
          ...zeros,
          seal: (...args) => nodeCiphers.aead(algorithm, key).seal(...args),
          open: () => true,
        }),
      },
      /^aes-128-gcm /,
    ],
    [{ counterMode: () => zeros }, /^counter mode /],
    [{ packetMac: () => zeros }, /^HMAC-SHA1 /],
    [{ recordNumberMask: () => () => new Uint8Array(16) }, /^the mask of aes-128-gcm /],
  ]
  for (const [part, expected] of wrong)
    assert.match(difference({ ...nodeCiphers, ...part }, nodeCiphers)!, expected)
})
