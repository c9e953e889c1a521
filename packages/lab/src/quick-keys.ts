import type { Random } from "@tightbeam/sim"
import type { Group, KeyType, PrivateKey, SignatureScheme, TransportCrypto } from "@tightbeam/webrtc/crypto"
import { FNV_OFFSET, stretch, taste } from "./quick-hash.ts"

interface Sizes {
  /** Of the share of whoever begins, of the answer, and of the secret, in bytes. */
  readonly first: number
  readonly answer: number
  readonly secret: number
  /** What a share begins with. */
  readonly form?: number
}

const GROUPS: Readonly<Record<Group, Sizes>> = {
  X25519MLKEM768: { first: 1216, answer: 1120, secret: 64 },
  x25519: { first: 32, answer: 32, secret: 32 },
  secp256r1: { first: 65, answer: 65, secret: 32, form: 4 },
  secp384r1: { first: 97, answer: 97, secret: 48, form: 4 },
}

interface KeyForm {
  readonly type: KeyType
  /** What the key stands between in a SubjectPublicKeyInfo. */
  readonly before: Uint8Array
  readonly after: Uint8Array
  readonly length: number
  readonly signature: number
}

const KEYS: Readonly<Record<"ecdsa-p256" | "rsa-2048", KeyForm>> = {
  "ecdsa-p256": {
    type: "ecdsa-p256",
    before: hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    after: hex(""),
    length: 64,
    signature: 71,
  },
  "rsa-2048": {
    type: "rsa",
    before: hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"),
    after: hex("0203010001"),
    length: 256,
    signature: 256,
  },
}

/** The asymmetric part of `quickCrypto`: who knows what is public knows the rest. */
export function quickKeys(
  random: Random,
): Pick<TransportCrypto, "groups" | "keyShare" | "encapsulate" | "privateKey" | "publicKey"> {
  return {
    groups: Object.keys(GROUPS) as Group[],

    keyShare: group => {
      const { first, answer } = GROUPS[group]
      const ours = makeShare(random, group, first)
      return {
        group,
        public: ours,
        agree: theirs => (isShare(group, theirs, answer) ? secretOf(group, ours, theirs) : undefined),
      }
    },

    encapsulate: (group, theirs) => {
      const { first, answer } = GROUPS[group]
      if (!isShare(group, theirs, first)) return undefined
      const ours = makeShare(random, group, answer)
      return { public: ours, secret: secretOf(group, ours, theirs) }
    },

    privateKey: name => {
      const { before, after, length, signature, type } = KEYS[name]
      const publicKeyInfo = Uint8Array.of(...before, ...stretch(random.uint32(), length), ...after)
      return new QuickPrivateKey(type, publicKeyInfo, signature)
    },

    publicKey: certificate => {
      for (const { before, after, length, signature, type } of Object.values(KEYS)) {
        const at = indexOf(certificate, before)
        const end = at + before.length + length + after.length
        if (at < 0 || end > certificate.length) continue
        const seed = taste(FNV_OFFSET, certificate.subarray(at, end))
        return {
          type,
          verify: (scheme, content, theirs) =>
            isFor(scheme, type) && isSame(theirs, signatureOf(seed, scheme, content, signature)),
        }
      }
      return undefined
    },
  }
}

class QuickPrivateKey implements PrivateKey {
  readonly type: KeyType
  readonly publicKeyInfo: Uint8Array
  readonly #length: number

  constructor(type: KeyType, publicKeyInfo: Uint8Array, length: number) {
    this.type = type
    this.publicKeyInfo = publicKeyInfo
    this.#length = length
  }

  sign(scheme: SignatureScheme, content: Uint8Array): Uint8Array {
    if (!isFor(scheme, this.type)) throw new TypeError(`scheme: ${scheme} is not for a key of ${this.type}`)
    return signatureOf(taste(FNV_OFFSET, this.publicKeyInfo), scheme, content, this.#length)
  }
}

function makeShare(random: Random, group: Group, length: number): Uint8Array {
  const share = stretch(random.uint32(), length)
  share[0] = GROUPS[group].form ?? share[0]!
  return share
}

function isShare(group: Group, theirs: Uint8Array, length: number): boolean {
  const { form } = GROUPS[group]
  if (theirs.length !== length || (form !== undefined && theirs[0] !== form)) return false
  return theirs.some(byte => byte !== 0)
}

/** The same from either end. */
function secretOf(group: Group, ours: Uint8Array, theirs: Uint8Array): Uint8Array {
  return stretch(taste(FNV_OFFSET, ours) ^ taste(FNV_OFFSET, theirs), GROUPS[group].secret)
}

function signatureOf(seed: number, scheme: SignatureScheme, content: Uint8Array, length: number): Uint8Array {
  return stretch(taste(taste(seed, new TextEncoder().encode(scheme)), content), length)
}

function isFor(scheme: SignatureScheme, type: KeyType): boolean {
  return type === "rsa"
    ? scheme.startsWith("rsa")
    : scheme.startsWith("ecdsa") && scheme !== "ecdsa_secp384r1_sha384"
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1))
    if (part.every((byte, i) => bytes[at + i] === byte)) return at
  return -1
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}
