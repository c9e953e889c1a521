import { Addresses } from "./addresses.ts"
import { NativeAead, NativeCounterMode, NativeMask } from "./cipher.ts"
import { type Evp, loadEvp } from "./evp.ts"
import { NativePacketMac } from "./packet-mac.ts"

const AEADS = ["aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"] as const

type AeadName = (typeof AEADS)[number]

/**
 * Ciphers by the OpenSSL that Node carries, called without what node:crypto puts around it. Contexts live as long as their
 * keys, and nothing is allocated for a message.
 */
export class NativeCiphers {
  readonly aeads: readonly AeadName[] = AEADS
  readonly #evp: Evp
  readonly #addresses: Addresses
  /** Of associated data, so that theirs do not drive out those of messages where they are somewhere else. */
  readonly #associatedAddresses: Addresses

  private constructor(evp: Evp) {
    this.#evp = evp
    this.#addresses = new Addresses(evp)
    this.#associatedAddresses = new Addresses(evp)
  }

  /** What it returns instead says why it cannot be had. Whether its answers are right is not known yet. */
  static load(): NativeCiphers | string {
    const evp = loadEvp()
    return typeof evp === "string" ? evp : new NativeCiphers(evp)
  }

  aead(algorithm: AeadName, key: Uint8Array): NativeAead {
    const cipher = this.#cipher(algorithm, key)
    return new NativeAead(this.#evp, cipher, key, this.#addresses, this.#associatedAddresses)
  }

  counterMode(key: Uint8Array): NativeCounterMode {
    const cipher = this.#cipher(key.length === 16 ? "aes-128-ctr" : "aes-256-ctr", key)
    return new NativeCounterMode(this.#evp, cipher, key, this.#addresses)
  }

  packetMac(key: Uint8Array): NativePacketMac {
    return new NativePacketMac(this.#evp, key, this.#addresses)
  }

  recordNumberMask(algorithm: AeadName, key: Uint8Array): (ciphertext: Uint8Array, at: number) => Uint8Array {
    const name = MASK[algorithm]
    const mask = new NativeMask(this.#evp, this.#cipher(name, key), key, name === "chacha20")
    return (ciphertext, at) => mask.of(ciphertext, at)
  }

  /** Throws a TypeError where the key is not as long as the cipher's: OpenSSL would read what lies behind it. */
  #cipher(name: CipherName, key: Uint8Array): number {
    const { length, evp } = CIPHERS[name]
    if (key.length !== length) throw new TypeError(`key: ${name} has one of ${length} bytes`)
    return this.#evp.algorithm(evp)
  }
}

const CIPHERS = {
  "aes-128-gcm": { length: 16, evp: "EVP_aes_128_gcm" },
  "aes-256-gcm": { length: 32, evp: "EVP_aes_256_gcm" },
  "chacha20-poly1305": { length: 32, evp: "EVP_chacha20_poly1305" },
  "aes-128-ctr": { length: 16, evp: "EVP_aes_128_ctr" },
  "aes-256-ctr": { length: 32, evp: "EVP_aes_256_ctr" },
  "aes-128-ecb": { length: 16, evp: "EVP_aes_128_ecb" },
  "aes-256-ecb": { length: 32, evp: "EVP_aes_256_ecb" },
  chacha20: { length: 32, evp: "EVP_chacha20" },
} as const

type CipherName = keyof typeof CIPHERS

const MASK = {
  "aes-128-gcm": "aes-128-ecb",
  "aes-256-gcm": "aes-256-ecb",
  "chacha20-poly1305": "chacha20",
} as const satisfies Record<AeadName, CipherName>
