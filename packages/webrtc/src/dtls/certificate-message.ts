import type { PublicKey } from "../crypto/index.ts"
import type { Certificate } from "./certificate.ts"
import { Reader, Writer } from "./codec.ts"
import { Failure, malformed } from "./failure.ts"
import { matchesFingerprint } from "./fingerprint.ts"
import type { DtlsVersion } from "./options.ts"
import type { Settings } from "./settings.ts"

/** The certificate of the other end, once it is known to be the one that was promised. */
export interface TheirCertificate {
  readonly der: Uint8Array
  readonly key: PublicKey
}

/** RFC 8446 §4.4.2, RFC 5246 §7.4.2. */
export function writeCertificate({ der, chain = [] }: Certificate, version: DtlsVersion): Uint8Array {
  const writer = new Writer()
  if (version === "1.3") writer.vector8(() => {})
  return writer.vector24(list => {
    for (const each of [der, ...chain]) {
      list.vector24(entry => entry.bytes(each))
      if (version === "1.3") list.vector16(() => {})
    }
  }).done
}

/** The certificate of the other end, which is one of those that its description promised (RFC 8122 §6.2). */
export function readCertificate(
  body: Uint8Array,
  version: DtlsVersion,
  { crypto, remote }: Settings,
): TheirCertificate | Failure {
  const reader = new Reader(body)
  const context = version === "1.3" ? reader.vector8() : undefined
  const list = new Reader(reader.vector24())
  if (!reader.isWhole || (context !== undefined && context.length > 0)) return malformed("Certificate")
  if (list.left === 0)
    return new Failure(
      version === "1.3" ? "certificate_required" : "handshake_failure",
      "certificate",
      "the other end shows no certificate",
    )
  // Only the first is its own; a chain proves nothing here.
  const der = list.vector24()
  if (list.isBroken || der.length === 0) return malformed("Certificate")
  if (remote !== "anybody" && !matchesFingerprint(crypto, der, remote))
    return new Failure(
      "bad_certificate",
      "fingerprint",
      "the certificate is not the one whose fingerprint was signaled",
    )
  const key = crypto.publicKey(der)
  if (key === undefined)
    return new Failure("unsupported_certificate", "certificate", "no certificate with a key of a known type")
  return { der, key }
}
