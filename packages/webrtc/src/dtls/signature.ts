import type { PublicKey } from "../crypto/index.ts"
import { type Reader, Writer } from "./codec.ts"
import { Failure, malformed } from "./failure.ts"
import type { DtlsVersion } from "./options.ts"
import type { Settings } from "./settings.ts"
import { schemeCode, schemeFor, schemeOf } from "./signature-scheme.ts"

/**
 * A signature and its scheme, as ServerKeyExchange ends and CertificateVerify is (RFC 5246 §4.7, RFC 8446 §4.4.3).
 * `theirs`: the schemes that the other end verifies.
 */
export function writeSignature(
  { certificate }: Settings,
  version: DtlsVersion,
  theirs: readonly number[],
  content: Uint8Array,
): Uint8Array | Failure {
  const { privateKey } = certificate
  const scheme = schemeFor(privateKey.type, theirs, version)
  if (scheme === undefined)
    return new Failure(
      "handshake_failure",
      "signature",
      `the other end verifies no signature of a key of type ${privateKey.type}`,
    )
  const signature = privateKey.sign(scheme, content)
  return new Writer().uint16(schemeCode(scheme, version)).vector16(writer => writer.bytes(signature)).done
}

/** Judges what is left of the message `what`. */
export function checkSignature(
  what: string,
  version: DtlsVersion,
  reader: Reader,
  key: PublicKey,
  content: Uint8Array,
): Failure | undefined {
  const code = reader.uint16()
  const signature = reader.vector16()
  if (!reader.isWhole) return malformed(what)
  const scheme = schemeOf(code, version)
  if (scheme === undefined)
    return new Failure(
      "illegal_parameter",
      "signature",
      `signature scheme 0x${code.toString(16)}: not one that was offered`,
    )
  if (!key.verify(scheme, content, signature))
    return new Failure("decrypt_error", "signature", `${what}: not signed with the certificate's key`)
  return undefined
}
