import { createHash } from "node:crypto"

/** RFC 8489 §9.2.2, written a second time so that the server's own way is not its judge. */
export function longTermKey(username: Uint8Array, realm: string, password: string): Uint8Array {
  return createHash("md5").update(username).update(`:${realm}:${password}`).digest()
}
