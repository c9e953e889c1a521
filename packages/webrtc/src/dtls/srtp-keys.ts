import { Reader } from "./codec.ts"
import type { Exporter } from "./handshake.ts"
import { SRTP_PROFILES, type SrtpKeys, type SrtpProfile } from "./srtp-profile.ts"

/** RFC 5764 §4.2: client's key, server's key, client's salt, server's salt. */
export function exportSrtpKeys(
  profile: SrtpProfile,
  role: "client" | "server",
  exporter: Exporter,
): SrtpKeys {
  const { key, salt } = SRTP_PROFILES[profile]
  const material = new Reader(exporter("EXTRACTOR-dtls_srtp", 2 * (key + salt), undefined))
  const [clientKey, serverKey] = [material.bytes(key), material.bytes(key)]
  const [clientSalt, serverSalt] = [material.bytes(salt), material.bytes(salt)]
  const client = { key: clientKey, salt: clientSalt }
  const server = { key: serverKey, salt: serverSalt }
  return role === "client"
    ? { profile, local: client, remote: server }
    : { profile, local: server, remote: client }
}
