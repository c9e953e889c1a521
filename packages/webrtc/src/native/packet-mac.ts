import type { Addresses } from "./addresses.ts"
import { Context, demandDone, demandWithin } from "./context.ts"
import type { Evp } from "./evp.ts"
import { Memory } from "./memory.ts"

const SHA1 = 20
const COUNT_AT = 24

/** HMAC-SHA1 with one key. */
export class NativePacketMac {
  readonly #evp: Evp
  readonly #context: Context
  readonly #addresses: Addresses
  /** The tag, and how long it is. */
  readonly #memory: Memory

  /** The key is not kept. */
  constructor(evp: Evp, key: Uint8Array, addresses: Addresses) {
    this.#evp = evp
    this.#addresses = addresses
    this.#memory = new Memory(evp, COUNT_AT + 8)
    this.#context = new Context(evp.HMAC_CTX_new(), address => evp.HMAC_CTX_free(address))
    const held = new Memory(evp, key.length)
    held.bytes.set(key)
    const sha1 = evp.algorithm("EVP_sha1")
    const done = evp.HMAC_Init_ex(this.#context.address, held.address, key.length, sha1, 0)
    held.bytes.fill(0)
    demandDone(done === 1, "a new key")
  }

  tag(bytes: Uint8Array, at: number, length: number, into: Uint8Array, intoAt: number, size: number): void {
    demandWithin(bytes, at, length)
    demandWithin(into, intoAt, size)
    const evp = this.#evp
    const context = this.#context.address
    const { bytes: tag, address } = this.#memory
    // Without a key: with the one that it has.
    let done = evp.HMAC_Init_ex(context, 0, 0, 0, 0)
    if (length > 0) done &= evp.HMAC_Update(context, this.#addresses.of(bytes) + at, length)
    done &= evp.HMAC_Final(context, address, address + COUNT_AT)
    demandDone(done === 1 && size <= SHA1, "a tag")
    for (let i = 0; i < size; i++) into[intoAt + i] = tag[i]!
  }

  close(): void {
    this.#context.close()
  }
}
