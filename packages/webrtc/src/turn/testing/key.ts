import { createHash } from "node:crypto"

/** RFC 8489 §9.2.2 and §18.5.1, written a second time so that the server's own way is not its judge. */
export function longTermKey(
  username: Uint8Array,
  realm: string,
  password: string,
  hash: "md5" | "sha256" = "md5",
): Uint8Array {
  return createHash(hash).update(username).update(`:${realm}:${password}`).digest()
}
