import { equalBytes } from "../bytes/index.ts"
import { NativeCiphers } from "../native/index.ts"
import { nodeCiphers } from "./node-ciphers.ts"
import { AEAD_KEY_LENGTH, AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, type Ciphers } from "./transport-crypto.ts"

export interface ChosenCiphers {
  readonly form: "native" | "node"
  /** Why it is not the faster form. */
  readonly why?: string
  readonly ciphers: Ciphers
}

/** Loaded and tested once: its answer does not change. */
let loaded: Ciphers | string | undefined

/**
 * The fastest form of `Ciphers` that works here; `native: "off"` leaves out what calls OpenSSL by itself. To be spread over a
 * `TransportCrypto`.
 */
export function chooseCiphers(native: "auto" | "off"): ChosenCiphers {
  if (native === "off") return { form: "node", why: "native: off", ciphers: nodeCiphers }
  loaded ??= load()
  if (typeof loaded === "string") return { form: "node", why: loaded, ciphers: nodeCiphers }
  return { form: "native", ciphers: loaded }
}

function load(): Ciphers | string {
  const native = NativeCiphers.load()
  if (typeof native === "string") return native
  // Methods of an object's own: a class's are lost where it is spread.
  const ciphers: Ciphers = {
    aeads: native.aeads.filter(algorithm => nodeCiphers.aeads.includes(algorithm)),
    aead: (algorithm, key) => native.aead(algorithm, key),
    counterMode: key => native.counterMode(key),
    packetMac: key => native.packetMac(key),
    recordNumberMask: (algorithm, key) => native.recordNumberMask(algorithm, key),
  }
  try {
    return difference(ciphers, nodeCiphers) ?? ciphers
  } catch (error) {
    return `the self-test failed: ${String(error)}`
  }
}

/** Lengths of a block's parts and of many blocks: ciphers take different ways for them. */
const LENGTHS: readonly number[] = [0, 1, 15, 16, 17, 100, 600, 1_200, 4_000]
const HEADER = 12
const ROUNDS = 3

/** Says in which algorithm two forms answer differently. Contexts are used again and again, as packets do. */
export function difference(one: Ciphers, other: Ciphers): string | undefined {
  for (const algorithm of one.aeads) {
    const keyLength = AEAD_KEY_LENGTH[algorithm]
    const [a, b] = [one.aead(algorithm, bytes(keyLength, 3)), other.aead(algorithm, bytes(keyLength, 3))]
    for (let round = 0; round < ROUNDS; round++)
      for (const length of LENGTHS) {
        const nonce = bytes(AEAD_NONCE_LENGTH, round + length)
        const [body, sealed] = [HEADER + length, length + AEAD_TAG_LENGTH]
        const packets = [bytes(HEADER + sealed, length), bytes(HEADER + sealed, length)] as const
        a.seal(nonce, packets[0], 0, HEADER, packets[0], HEADER, length)
        b.seal(nonce, packets[1], 0, HEADER, packets[1], HEADER, length)
        const isSame = equalBytes(packets[0], packets[1])
        const forged = packets[1].slice()
        forged[body]! ^= 1
        const isOpen =
          !a.open(nonce, forged, 0, HEADER, forged, HEADER, sealed) &&
          a.open(nonce, packets[1], 0, HEADER, packets[1], HEADER, sealed) &&
          equalBytes(packets[1].subarray(0, body), bytes(HEADER + sealed, length).subarray(0, body))
        if (!isSame || !isOpen) return `${algorithm} does not answer as node:crypto does`
      }
    const sample = bytes(16, 5)
    const masks = [one, other].map(form => form.recordNumberMask(algorithm, bytes(keyLength, 4))(sample, 0))
    if (!equalBytes(masks[0]!.subarray(0, 5), masks[1]!.subarray(0, 5)))
      return `the mask of ${algorithm} is not node:crypto's`
    a.close()
    b.close()
  }
  for (const keyLength of [16, 32]) {
    const [a, b] = [one.counterMode(bytes(keyLength, 6)), other.counterMode(bytes(keyLength, 6))]
    for (let round = 0; round < ROUNDS; round++)
      for (const length of LENGTHS) {
        const [x, y] = [bytes(length, 7), bytes(length, 7)]
        a.apply(bytes(16, round), x, 0, length)
        b.apply(bytes(16, round), y, 0, length)
        if (!equalBytes(x, y)) return "counter mode does not answer as node:crypto does"
      }
    a.close()
    b.close()
  }
  const [a, b] = [one.packetMac(bytes(20, 8)), other.packetMac(bytes(20, 8))]
  for (const length of LENGTHS) {
    const [x, y] = [new Uint8Array(20), new Uint8Array(20)]
    a.tag(bytes(length, 9), 0, length, x, 0, 20)
    b.tag(bytes(length, 9), 0, length, y, 0, 20)
    if (!equalBytes(x, y)) return "HMAC-SHA1 does not answer as node:crypto does"
  }
  a.close()
  b.close()
  return undefined
}

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 31 + seed * 17 + 1)
}
