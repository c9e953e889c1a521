import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { isIP } from "node:net"
import { hostname } from "node:os"
import { type Config, reasonOf } from "../config/index.ts"
import type { DataFolder } from "../data/index.ts"
import { type Pem, selfSigned } from "./self-signed.ts"

/** 398 is the most that browsers accept. */
const DAYS = 397
/** Renewed when it has less than this left. */
const RENEW_BEFORE = 7 * 24 * 60 * 60 * 1000
const FILE = "certificate.pem"

/** A certificate that cannot be used; the message names the file, the reason, and what to do. */
export class CertificateError extends Error {
  override readonly name = "CertificateError"
}

/** What a self-signed certificate is for. */
export interface Names {
  /** Every address of this machine: all are named. */
  readonly own: readonly string[]
  /** Those that people are told to open. When one of them is missing, a new certificate is made. */
  readonly told: readonly string[]
}

/** The certificate that the configuration asks for; `undefined` in mode off. Throws `CertificateError`. */
export function loadCertificate(
  tls: Config["tls"],
  data: DataFolder,
  names: Names,
  now: Date = new Date(),
): Pem | undefined {
  if (tls.mode === "off") return undefined
  return tls.mode === "files" ? fromFiles(tls.cert!, tls.key!) : keptSelfSigned(data, names, now)
}

/**
 * The certificate in the data folder, as long as it serves: people have told their browsers to trust it.
 * So the addresses that come and go (of containers, and IPv6's temporary ones) do not make a new one.
 */
function keptSelfSigned(data: DataFolder, { own, told }: Names, now: Date): Pem {
  const hosts = ["localhost", ...dnsHostname()]
  const kept = readKept(data.read(FILE))
  if (kept !== undefined && covers(kept.cert, [...hosts, ...told], now)) return kept
  const made = selfSigned([...new Set([...hosts, ...told, ...own])], now, DAYS)
  // One file for both, so that they always belong together.
  data.write(FILE, made.cert + made.key)
  return made
}

function readKept(text: string | undefined): Pem | undefined {
  const [, cert, key] =
    /^(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n)(-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n)$/.exec(
      text ?? "",
    ) ?? []
  if (cert === undefined || key === undefined) return undefined
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined
  } catch {
    return undefined
  }
}

function covers(cert: string, names: readonly string[], now: Date): boolean {
  const parsed = new X509Certificate(cert)
  if (parsed.validToDate.getTime() - now.getTime() < RENEW_BEFORE) return false
  if (parsed.validFromDate.getTime() > now.getTime()) return false
  return names.every(name => (isIP(name) === 0 ? parsed.checkHost(name) : parsed.checkIP(name)) !== undefined)
}

/** Host names that are no legal DNS name cannot stand in a certificate. */
function dnsHostname(): string[] {
  const name = hostname().toLowerCase()
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name) && name.length <= 253 ? [name] : []
}

function fromFiles(certPath: string, keyPath: string): Pem {
  const cert = readPem(certPath, "tls.cert")
  const key = readPem(keyPath, "tls.key")
  let parsed: X509Certificate
  try {
    parsed = new X509Certificate(cert)
  } catch {
    throw new CertificateError(`tls.cert: ${certPath} holds no PEM certificate (-----BEGIN CERTIFICATE-----)`)
  }
  let matches: boolean
  try {
    matches = parsed.checkPrivateKey(createPrivateKey(key))
  } catch {
    throw new CertificateError(
      `tls.key: ${keyPath} holds no PEM private key that can be read without a passphrase`,
    )
  }
  if (!matches)
    throw new CertificateError(
      `tls.key: ${keyPath} is not the key of the certificate in ${certPath}: the first certificate there must be the server's own`,
    )
  return { cert, key }
}

function readPem(path: string, key: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    throw new CertificateError(`${key}: ${path}: ${reasonOf(error)}`, { cause: error })
  }
}
