import { NO_PATH, type Path } from "../contract/index.ts"
import type { AeadAlgorithm, Group, TransportCrypto } from "../crypto/index.ts"
import type { Certificate } from "./certificate.ts"
import { MAX_UINT8 } from "./codec.ts"
import type { Fingerprint } from "./fingerprint.ts"
import { DEFAULT_LIMITS, type DtlsLimits, type DtlsOptions, type DtlsVersion } from "./options.ts"
import type { SrtpProfile } from "./srtp-profile.ts"

const DEFAULT_MTU = 1200
/** Of a datagram: below it no handshake can be cut. RFC 791 promises 576 less the headers around. */
const LEAST_MTU = 256

/** Options with every default in its place. */
export interface Settings {
  readonly crypto: TransportCrypto
  readonly role: "client" | "server"
  readonly certificate: Certificate
  readonly remote: readonly Fingerprint[] | "anybody"
  readonly versions: readonly DtlsVersion[]
  readonly groups: readonly Group[]
  readonly aeads: readonly AeadAlgorithm[]
  readonly srtp: readonly SrtpProfile[]
  readonly connectionId: Uint8Array | undefined
  readonly path: Path
  readonly mtu: number
  readonly limits: DtlsLimits
}

/** Throws a TypeError or RangeError that names the option that makes no sense. */
export function settingsOf(options: DtlsOptions): Settings {
  const {
    crypto,
    role,
    certificate,
    remote,
    srtp = [],
    connectionId,
    path = NO_PATH,
    mtu = DEFAULT_MTU,
  } = options
  const settings = {
    crypto,
    role,
    certificate,
    remote,
    versions: options.versions ?? (["1.3", "1.2"] as const),
    groups: options.groups ?? crypto.groups,
    aeads: options.aeads ?? crypto.aeads,
    // Its short tags are taken from who has no better, never asked for.
    srtp: role === "client" ? srtp.filter(profile => profile !== "AES128_CM_HMAC_SHA1_32") : srtp,
    connectionId,
    path,
    mtu,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  }
  for (const [name, value] of Object.entries(settings.limits))
    if (!(value > 0)) throw new RangeError(`limits.${name}: ${value} is no number above 0`)
  for (const name of ["versions", "groups", "aeads"] as const)
    if (settings[name].length === 0) throw new TypeError(`${name}: none, so nothing could be agreed on`)
  const missing = settings.groups.find(group => !crypto.groups.includes(group))
  if (missing !== undefined) throw new TypeError(`groups: ${missing} is not available here`)
  if (!(mtu >= LEAST_MTU)) throw new RangeError(`mtu: ${mtu}, below ${LEAST_MTU} bytes`)
  if (role === "client" && remote === "anybody")
    throw new TypeError("remote: a client has to know whom it talks to, so it needs fingerprints")
  if (connectionId !== undefined && connectionId.length > MAX_UINT8)
    throw new RangeError(`connectionId: ${connectionId.length} bytes, more than ${MAX_UINT8}`)
  return settings
}
