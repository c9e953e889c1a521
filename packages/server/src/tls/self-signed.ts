import { generateKeyPairSync, randomBytes, sign } from "node:crypto"
import { parseIp } from "@tightbeam/webrtc/bytes"
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from "./der.ts"

export interface Pem {
  readonly cert: string
  readonly key: string
}

const OID = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectAltName: "2.5.29.17",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const

/** Clocks of phones run late; a certificate from the future is refused. */
const BACKDATED = 24 * 60 * 60 * 1000

/**
 * A self-signed certificate (ECDSA, P-256) for a server of `names`: DNS names and IP addresses.
 * Browsers refuse what is good for more than 398 days.
 */
export function selfSigned(names: readonly string[], from: Date, days: number): Pem {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256))
  const name = sequence(
    set(sequence(objectIdentifier(OID.commonName), utf8String("Tightbeam (self-signed)"))),
  )
  // Positive, and never 0 (RFC 5280 §4.1.2.2).
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  const start = from.getTime() - BACKDATED
  const certificate = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    algorithm,
    name,
    sequence(time(new Date(start)), time(new Date(start + days * 24 * 60 * 60 * 1000))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(
      3,
      sequence(
        extension(OID.basicConstraints, sequence(), true),
        // digitalSignature
        extension(OID.keyUsage, bitString(Uint8Array.of(0x80), 7), true),
        extension(OID.extendedKeyUsage, sequence(objectIdentifier(OID.serverAuth))),
        extension(OID.subjectAltName, sequence(...names.map(generalName))),
      ),
    ),
  )
  const signed = sequence(certificate, algorithm, bitString(sign("sha256", certificate, privateKey)))
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${signed.toString("base64").replace(/.{64}/g, "$&\n").trimEnd()}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  }
}

function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  const parts = [objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value)]
  return sequence(...parts)
}

/** dNSName or iPAddress (RFC 5280 §4.2.1.6). */
function generalName(name: string): Buffer {
  const ip = parseIp(name)
  return ip === undefined ? implicit(2, Buffer.from(name, "latin1")) : implicit(7, ip)
}
