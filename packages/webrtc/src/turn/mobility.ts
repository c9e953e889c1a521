import { readUint32, writeUint32 } from "../bytes/index.ts"
import type { Path } from "../contract/index.ts"
import { type Crypto, equalInConstantTime, type Hmac } from "../crypto/index.ts"
import { decodeBase64, encodeBase64 } from "./base64.ts"

/**
 * What is kept of an allocation that may move with its client (RFC 8016). Both of a dual allocation have the same: they
 * share a client.
 */
export class Mobility {
  /** What its tickets name it by. */
  readonly handle: number
  /** Of the ticket that is good now: each is good for one move. */
  sequence = 0
  /**
   * Where the last move went: pending until the client sends data from there, then the client itself. There is one
   * at most, and it is held.
   */
  movedTo: Path | undefined = undefined

  constructor(handle: number) {
    this.handle = handle
  }
}

export interface Ticket {
  readonly handle: number
  readonly sequence: number
}

const STATE_LENGTH = 8
const TAG_LENGTH = 16
/** Without padding in base64: no bit of it means nothing. */
const TICKET_LENGTH = TAG_LENGTH + STATE_LENGTH

/**
 * MOBILITY-TICKETs (RFC 8016 §3.3), which only this server can make and read: the state, encrypted under a pad that is a
 * keyed hash of the tag, and the tag, a keyed hash of the state, which also authenticates it. No two states are the same,
 * so no two tickets are. In base64, for clients that keep them as strings.
 */
export class Tickets {
  readonly #tags: Hmac
  readonly #pads: Hmac

  constructor(crypto: Crypto) {
    const hmac = (): Hmac => {
      const key = new Uint8Array(32)
      crypto.random(key)
      return crypto.hmac("sha256", key)
    }
    this.#tags = hmac()
    this.#pads = hmac()
  }

  /** The ticket that is good for the next move. */
  seal({ handle, sequence }: Ticket): Uint8Array {
    const ticket = new Uint8Array(TICKET_LENGTH)
    const state = ticket.subarray(TAG_LENGTH)
    writeUint32(state, 0, handle)
    writeUint32(state, 4, sequence)
    ticket.set(this.#tags.sign(state).subarray(0, TAG_LENGTH))
    this.#pad(ticket)
    return encodeBase64(ticket)
  }

  /** `undefined` for what is no ticket of ours. */
  open(sealed: Uint8Array): Ticket | undefined {
    if (sealed.length !== (TICKET_LENGTH / 3) * 4) return undefined
    const ticket = decodeBase64(sealed)
    if (ticket?.length !== TICKET_LENGTH) return undefined
    this.#pad(ticket)
    const state = ticket.subarray(TAG_LENGTH)
    const tag = this.#tags.sign(state).subarray(0, TAG_LENGTH)
    if (!equalInConstantTime(tag, ticket.subarray(0, TAG_LENGTH))) return undefined
    return { handle: readUint32(state, 0), sequence: readUint32(state, 4) }
  }

  /** Encrypts the state, or decrypts it. */
  #pad(ticket: Uint8Array): void {
    const pad = this.#pads.sign(ticket.subarray(0, TAG_LENGTH))
    for (let i = 0; i < STATE_LENGTH; i++) ticket[TAG_LENGTH + i]! ^= pad[i]!
  }
}
