/**
 * The nonce cookie (RFC 8489 §9.2): what a NONCE begins with where the server does more than RFC 5389, so
 * that nobody in between can take the offer away unnoticed. To older clients it is part of the nonce.
 *
 * Of the security features (§18.1) only bit 0, "password algorithms", is ever set. "Username anonymity" is not: the
 * usernames of time-limited credentials say when they expire, and USERHASH cannot be inverted.
 */
export const NONCE_COOKIE: Uint8Array = new TextEncoder().encode("obMatJos2gAAA")

export function hasNonceCookie(nonce: Uint8Array): boolean {
  return nonce.length >= NONCE_COOKIE.length && NONCE_COOKIE.every((byte, i) => nonce[i] === byte)
}
