import type { Crypto, Hmac } from "../crypto/index.ts"

/** RFC 8839 §5.4. */
export interface IceCredentials {
  /** 4–256 characters of letters, digits, `+` and `/`. */
  readonly ufrag: string
  /** 22–256 of the same. */
  readonly pwd: string
}

/** What the other agent's description says of ICE. */
export interface RemoteDescription extends IceCredentials {
  readonly lite?: boolean
  /** `ice-options` (RFC 8839 §5.6): `trickle`, `ice2`, `renomination`. */
  readonly options?: readonly string[]
}

/** Of the generations that are answered: where checks of this agent are to be brought. */
export interface Ufrags {
  add(ufrag: string): void
  delete(ufrag: string): void
}

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** 48 bits: one among all agents that share a port. */
const UFRAG_LENGTH = 8
/** RFC 8445 §5.3: at least 128 bits. */
const PWD_LENGTH = 24

const ICE_CHARACTERS = /^[A-Za-z0-9+/]+$/

export function makeCredentials(crypto: Crypto): IceCredentials {
  return { ufrag: randomText(crypto, UFRAG_LENGTH), pwd: randomText(crypto, PWD_LENGTH) }
}

export function randomText(crypto: Crypto, length: number): string {
  const bytes = new Uint8Array(length)
  crypto.random(bytes)
  return Array.from(bytes, byte => CHARACTERS[byte & 63]).join("")
}

/** Throws a TypeError that names what RFC 8839 §5.4 does not allow. */
export function checkCredentials({ ufrag, pwd }: IceCredentials): void {
  if (ufrag.length < 4 || ufrag.length > 256 || !ICE_CHARACTERS.test(ufrag))
    throw new TypeError("ufrag: 4–256 characters of letters, digits, + and / are needed (RFC 8839 §5.4)")
  if (pwd.length < 22 || pwd.length > 256 || !ICE_CHARACTERS.test(pwd))
    throw new TypeError("pwd: 22–256 characters of letters, digits, + and / are needed (RFC 8839 §5.4)")
}

/** Short-term credentials sign with the password itself (RFC 8489 §9.1.1). */
export function shortTermKey(crypto: Crypto, pwd: string): Hmac {
  return crypto.hmac("sha1", new TextEncoder().encode(pwd))
}
