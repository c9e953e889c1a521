import type { DtlsSetup } from "../sdp/index.ts"

/** Who begins the DTLS handshake (RFC 8842 §5): the client is active. */
export type OwnSetup = Exclude<DtlsSetup, "actpass">

/** What we are, where the other end's description says `theirs`; `preferred` where it leaves that to us. */
export function ownSetup(theirs: DtlsSetup, preferred: OwnSetup): OwnSetup {
  if (theirs === "actpass") return preferred
  return theirs === "active" ? "passive" : "active"
}
