import type { KeyObject } from "node:crypto"
// The whole of it: to name what an older Node has not would not even load there.
import node from "node:crypto"
import type { Encapsulated, Group, KeyShare, TransportCrypto } from "./transport-crypto.ts"

const X25519_LENGTH = 32
/** FIPS 203, table 3, of ML-KEM-768: bytes of an encapsulation key, and of a ciphertext. */
const ML_KEM_KEY_LENGTH = 1184
const ML_KEM_CIPHERTEXT_LENGTH = 1088

/** All that a SubjectPublicKeyInfo has before the key itself (RFC 8410 §4). */
const X25519_INFO = Buffer.from("302a300506032b656e032100", "hex")
/** As above, of id-alg-ml-kem-768 (RFC 9935 §4). */
const ML_KEM_INFO = Buffer.from("308204b2300b0609608648016503040402038204a100", "hex")

/** RFC 8446 §4.2.8.2: by the name that OpenSSL knows the curve by, and the bytes of a coordinate. */
const CURVES = {
  secp256r1: { name: "prime256v1", coordinate: 32 },
  secp384r1: { name: "secp384r1", coordinate: 48 },
} as const

/** The key exchange of `TransportCrypto` by node:crypto. */
export const nodeKeyShares: Pick<TransportCrypto, "groups" | "keyShare" | "encapsulate"> = {
  groups: [...(hasMlKem() ? (["X25519MLKEM768"] as const) : []), "x25519", "secp256r1", "secp384r1"],

  keyShare(group: Group): KeyShare {
    if (group === "X25519MLKEM768") return hybridShare()
    return group === "x25519" ? x25519Share() : curveShare(group)
  },

  encapsulate(group: Group, theirs: Uint8Array): Encapsulated | undefined {
    if (group === "X25519MLKEM768") return encapsulateHybrid(theirs)
    const ours = nodeKeyShares.keyShare(group)
    const secret = ours.agree(theirs)
    return secret === undefined ? undefined : { public: ours.public, secret }
  },
}

/** Node has it from 24.7 on, where its OpenSSL is 3.5 or later. */
function hasMlKem(): boolean {
  if (typeof node.encapsulate !== "function") return false
  return unlessRefused(() => node.generateKeyPairSync("ml-kem-768")) !== undefined
}

/** RFC 7748 §6.1. */
function x25519Share(): KeyShare {
  const { privateKey, publicKey } = node.generateKeyPairSync("x25519")
  return {
    group: "x25519",
    public: rawKey(publicKey, X25519_LENGTH),
    agree: theirs => agreeOnX25519(privateKey, theirs),
  }
}

/** RFC 8446 §7.4.2: a secret of zeros is none. OpenSSL refuses to derive it. */
export function agreeOnX25519(privateKey: KeyObject, theirs: Uint8Array): Uint8Array | undefined {
  if (theirs.length !== X25519_LENGTH) return undefined
  return unlessRefused(() => node.diffieHellman({ privateKey, publicKey: publicKeyOf(X25519_INFO, theirs) }))
}

function curveShare(group: keyof typeof CURVES): KeyShare {
  const { name, coordinate } = CURVES[group]
  const ours = node.createECDH(name)
  return {
    group,
    public: ours.generateKeys(),
    agree: theirs => {
      // RFC 8446 §4.2.8.2: uncompressed points alone. OpenSSL refuses those off the curve.
      if (theirs.length !== 1 + 2 * coordinate || theirs[0] !== 4) return undefined
      return unlessRefused(() => ours.computeSecret(theirs))
    },
  }
}

/** draft-ietf-tls-ecdhe-mlkem §4: the part of ML-KEM comes first in each share and in the secret. */
function hybridShare(): KeyShare {
  const x25519 = x25519Share()
  const { privateKey, publicKey } = node.generateKeyPairSync("ml-kem-768")
  return {
    group: "X25519MLKEM768",
    public: concat(rawKey(publicKey, ML_KEM_KEY_LENGTH), x25519.public),
    agree: theirs => {
      if (theirs.length !== ML_KEM_CIPHERTEXT_LENGTH + X25519_LENGTH) return undefined
      const ofX25519 = x25519.agree(theirs.subarray(ML_KEM_CIPHERTEXT_LENGTH))
      if (ofX25519 === undefined) return undefined
      // A ciphertext for another key gives another secret, and no error (FIPS 203 §6.3).
      const ofMlKem = node.decapsulate(privateKey, theirs.subarray(0, ML_KEM_CIPHERTEXT_LENGTH))
      return concat(ofMlKem, ofX25519)
    },
  }
}

function encapsulateHybrid(theirs: Uint8Array): Encapsulated | undefined {
  if (theirs.length !== ML_KEM_KEY_LENGTH + X25519_LENGTH) return undefined
  const x25519 = nodeKeyShares.encapsulate("x25519", theirs.subarray(ML_KEM_KEY_LENGTH))
  // OpenSSL checks the modulus (FIPS 203 §7.2) as it reads the key.
  const key = theirs.subarray(0, ML_KEM_KEY_LENGTH)
  const mlKem = unlessRefused(() => node.encapsulate(publicKeyOf(ML_KEM_INFO, key)))
  if (x25519 === undefined || mlKem === undefined) return undefined
  return {
    public: concat(mlKem.ciphertext, x25519.public),
    secret: concat(mlKem.sharedKey, x25519.secret),
  }
}

function rawKey(key: KeyObject, length: number): Uint8Array {
  return key.export({ type: "spki", format: "der" }).subarray(-length)
}

function publicKeyOf(info: Uint8Array, raw: Uint8Array): KeyObject {
  return node.createPublicKey({ key: concat(info, raw), format: "der", type: "spki" })
}

function concat(first: Uint8Array, second: Uint8Array): Buffer {
  return Buffer.concat([first, second])
}

/** What a stranger sent is no error of ours. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
