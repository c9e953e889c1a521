import type { Crypto } from "./crypto.ts"

/**
 * What DTLS and SRTP need beyond `Crypto`. Nothing in it throws for a stranger's bytes: what they make impossible is
 * `undefined` or `false`.
 */
export interface TransportCrypto extends Crypto {
  /** Those that this process can do, the best first. */
  readonly groups: readonly Group[]
  readonly aeads: readonly AeadAlgorithm[]
  /** Holds its key ready. `key` may be overwritten afterwards. */
  aead(algorithm: AeadAlgorithm, key: Uint8Array): Aead
  /** As above, AES in counter mode (RFC 3711 §4.1.1); a key of 16 or 32 bytes. */
  counterMode(key: Uint8Array): CounterMode
  /** As above, HMAC-SHA1 over one packet after another (RFC 3711 §4.2.1). */
  packetMac(key: Uint8Array): PacketMac
  /** What encrypts record numbers (RFC 9147 §4.2.3) beside an AEAD algorithm; `key` is as long as the AEAD's. */
  recordNumberMask(algorithm: AeadAlgorithm, key: Uint8Array): RecordNumberMask
  /** A share of ours, for whoever speaks first. */
  keyShare(group: Group): KeyShare
  /** Answers a share: ours, and the secret that both have then. `undefined` where theirs is none of this group. */
  encapsulate(group: Group, theirs: Uint8Array): Encapsulated | undefined
  /** A new key pair. */
  privateKey(type: "ecdsa-p256" | "rsa-2048"): PrivateKey
  /** The key that a certificate (X.509, DER) is for; `undefined` where it is none, or of no type that is known. */
  publicKey(certificate: Uint8Array): PublicKey | undefined
}

/** The symmetric part of it, of which there is more than one form. */
export type Ciphers = Pick<
  TransportCrypto,
  "aeads" | "aead" | "counterMode" | "packetMac" | "recordNumberMask"
>

/** RFC 8446 §4.2.7, and X25519MLKEM768: the ML-KEM part comes first in shares and secret. */
export type Group = "X25519MLKEM768" | "x25519" | "secp256r1" | "secp384r1"

/** 12-byte nonces and 16-byte tags, all of them. */
export type AeadAlgorithm = "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305"

export const AEAD_NONCE_LENGTH = 12
export const AEAD_TAG_LENGTH = 16
export const AEAD_KEY_LENGTH: Readonly<Record<AeadAlgorithm, number>> = {
  "aes-128-gcm": 16,
  "aes-256-gcm": 32,
  "chacha20-poly1305": 32,
}

/** One key, in place. The associated data may be in the same array. */
export interface Aead {
  /** Encrypts `bytes[at, at + length)` and writes the tag behind it. */
  seal(
    nonce: Uint8Array,
    associated: Uint8Array,
    associatedAt: number,
    associatedLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void
  /**
   * Decrypts `bytes[at, at + length)`, the last 16 bytes of which are the tag. False where it was not sealed so: what is
   * there then means nothing.
   */
  open(
    nonce: Uint8Array,
    associated: Uint8Array,
    associatedAt: number,
    associatedLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): boolean
  /** Forgets the key. It is not used again. */
  close(): void
}

export interface CounterMode {
  /** Encrypts or decrypts `bytes[at, at + length)` in place, from the counter block `iv` (16 bytes) on. */
  apply(iv: Uint8Array, bytes: Uint8Array, at: number, length: number): void
  close(): void
}

export interface PacketMac {
  /** Writes the first `size` bytes, 20 at most, of the tag over `bytes[at, at + length)` to `into[intoAt, …)`. */
  tag(bytes: Uint8Array, at: number, length: number, into: Uint8Array, intoAt: number, size: number): void
  close(): void
}

/** Returns at least the first 5 bytes of the mask for the 16 bytes of ciphertext at `at`; good until the next call. */
export type RecordNumberMask = (ciphertext: Uint8Array, at: number) => Uint8Array

export interface KeyShare {
  readonly group: Group
  readonly public: Uint8Array
  /** The secret that both have; `undefined` where theirs answers no share of this group. */
  agree(theirs: Uint8Array): Uint8Array | undefined
}

export interface Encapsulated {
  readonly public: Uint8Array
  readonly secret: Uint8Array
}

/** RFC 8446 §4.2.3, by the names there; without a curve those of 1.2, which go with any (RFC 5246 §7.4.1.4.1). */
export type SignatureScheme =
  | "ecdsa_sha256"
  | "ecdsa_sha384"
  | "ecdsa_sha512"
  | "ecdsa_secp256r1_sha256"
  | "ecdsa_secp384r1_sha384"
  | "ed25519"
  | "rsa_pss_rsae_sha256"
  | "rsa_pss_rsae_sha384"
  | "rsa_pss_rsae_sha512"
  | "rsa_pkcs1_sha256"
  | "rsa_pkcs1_sha384"
  | "rsa_pkcs1_sha512"

export type KeyType = "ecdsa-p256" | "ecdsa-p384" | "ed25519" | "rsa"

export interface PrivateKey {
  readonly type: KeyType
  /** The SubjectPublicKeyInfo of its public key (RFC 5280 §4.1.2.7), DER. */
  readonly publicKeyInfo: Uint8Array
  /** Throws a TypeError for a scheme of another type of key. */
  sign(scheme: SignatureScheme, content: Uint8Array): Uint8Array
}

export interface PublicKey {
  readonly type: KeyType
  /** False for a scheme of another type of key, too. */
  verify(scheme: SignatureScheme, content: Uint8Array, signature: Uint8Array): boolean
}
