import { X509Certificate } from "node:crypto"
import { isIP } from "node:net"
import type { Config } from "../config/index.ts"
import { CertificateError } from "../tls/index.ts"

/**
 * The host of `turns:` URLs, a name that the certificate (PEM) has; `undefined` where TURN over TLS is not to
 * be offered, or no name can be. Throws `CertificateError` when the configured one is not the certificate's.
 */
export function tlsHost({ tls, turn }: Config, certificate: string | undefined): string | undefined {
  if (certificate === undefined || !offersTls({ tls, turn })) return undefined
  const parsed = new X509Certificate(certificate)
  if (turn.offerTls === "auto" && isSelfSigned(parsed)) return undefined
  const { tlsHost: host } = turn
  if (host === undefined) return firstName(parsed)
  const isNamed = isIP(host) === 0 ? parsed.checkHost(host) : parsed.checkIP(host)
  if (isNamed === undefined)
    throw new CertificateError(
      `turn.tlsHost: ${host} is not in the certificate, which is for ${parsed.subjectAltName ?? "nobody"}`,
    )
  return isIP(host) === 6 ? `[${host}]` : host
}

/** Browsers give up on a certificate that they do not trust without asking anybody, so only one of the operator's own. */
export function offersTls({ tls, turn }: Pick<Config, "tls" | "turn">): boolean {
  if (!turn.enabled || turn.offerTls === "never") return false
  return turn.offerTls === "always" || tls.mode === "files"
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.verify(certificate.publicKey)
}

/** The first DNS name; a wildcard is none that anybody could connect to. */
function firstName(certificate: X509Certificate): string | undefined {
  for (const name of (certificate.subjectAltName ?? "").split(", ")) {
    const host = /^DNS:([a-z0-9._-]+)$/i.exec(name)?.[1]
    if (host !== undefined) return host
  }
  return undefined
}
