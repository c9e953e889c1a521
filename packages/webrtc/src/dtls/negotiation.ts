import { type CipherSuite, suitesOf } from "./cipher-suite.ts"
import { MAX_PLAINTEXT } from "./content-type.ts"
import { type Extensions, ExtensionType } from "./extensions.ts"
import { Failure } from "./failure.ts"
import type { Agreement } from "./handshake.ts"
import { groupCode, isForVersion12 } from "./named-group.ts"
import type { DtlsVersion } from "./options.ts"
import type { Settings } from "./settings.ts"
import { SRTP_PROFILES, type SrtpProfile } from "./srtp-profile.ts"

/** What both roles read out of the extensions of the other, and how they write theirs. */

export function srtpCodes(profiles: readonly SrtpProfile[]): number[] {
  return profiles.map(profile => SRTP_PROFILES[profile].code)
}

/** As server: the first of ours that the client offers (RFC 5764 §4.1.1). */
export function chooseSrtp({ srtp }: Settings, extensions: Extensions): SrtpProfile | undefined | Failure {
  if (srtp.length === 0 || !extensions.has(ExtensionType.useSrtp)) return undefined
  const theirs = extensions.useSrtp
  if (theirs === undefined) return new Failure("decode_error", "profile", "use_srtp: malformed")
  return srtp.find(profile => theirs.includes(SRTP_PROFILES[profile].code))
}

/** As client: the one that the server chose, which is one of ours. */
export function chosenSrtp({ srtp }: Settings, extensions: Extensions): SrtpProfile | undefined | Failure {
  if (!extensions.has(ExtensionType.useSrtp)) return undefined
  const theirs = extensions.useSrtp
  const chosen = srtp.find(profile => theirs?.length === 1 && theirs[0] === SRTP_PROFILES[profile].code)
  return chosen ?? new Failure("illegal_parameter", "profile", "use_srtp: a profile that was not offered")
}

/** As client: the cipher suite that the server chose, which is one of ours. */
export function chosenSuite(
  { aeads }: Settings,
  version: DtlsVersion,
  chosen: number,
): CipherSuite | Failure {
  const suite = suitesOf(version, aeads).find(({ code }) => code === chosen)
  return (
    suite ??
    new Failure("illegal_parameter", "cipher-suite", `cipher suite 0x${chosen.toString(16)}: not offered`)
  )
}

/** RFC 9146 §3: IDs are written where both ends said what theirs is. */
export function agreeOnIds(
  { connectionId }: Settings,
  extensions: Extensions,
): Pick<Agreement, "theirId" | "ourId"> {
  const theirId = extensions.connectionId
  return connectionId === undefined || theirId === undefined
    ? { theirId: new Uint8Array(0), ourId: new Uint8Array(0) }
    : { theirId, ourId: connectionId }
}

/** As client: nothing is answered that was not asked (RFC 8446 §4.2). */
export function unexpected(
  extensions: Extensions,
  allowed: readonly number[],
  notOffered: readonly number[],
): Failure | undefined {
  for (const type of extensions.types)
    if (!allowed.includes(type) || notOffered.includes(type))
      return new Failure("unsupported_extension", "message", `extension ${type}: it was not offered`)
  return undefined
}

/** RFC 8449 §4: what may be in a record; in 1.3 with its type. */
export function readRecordSizeLimit(extensions: Extensions, version: DtlsVersion): number | Failure {
  const limit = extensions.recordSizeLimit
  if (limit instanceof Failure) return limit
  return Math.min(limit === undefined ? MAX_PLAINTEXT : limit - (version === "1.3" ? 1 : 0), MAX_PLAINTEXT)
}

/** What we take in a record: the most there is. */
export const RECORD_SIZE_LIMIT: Readonly<Record<DtlsVersion, number>> = {
  "1.2": MAX_PLAINTEXT,
  "1.3": MAX_PLAINTEXT + 1,
}

/** RFC 5746 §3.4, §3.6: there is no handshake before this one that it could be bound to. */
export function boundToAnother(extensions: Extensions): Failure | undefined {
  const info = extensions.get(ExtensionType.renegotiationInfo)
  return info === undefined || (info.length === 1 && info[0] === 0)
    ? undefined
    : new Failure(
        "handshake_failure",
        "message",
        "renegotiation_info: it renegotiates what we know nothing of",
      )
}

export function offers(settings: Settings, version: DtlsVersion): boolean {
  return settings.versions.includes(version)
}

export function suiteCodes(settings: Settings): number[] {
  const order = ["1.3", "1.2"] as const
  return order
    .filter(version => offers(settings, version))
    .flatMap(version => suitesOf(version, settings.aeads).map(({ code }) => code))
}

export function groupCodes(settings: Settings): number[] {
  const groups = offers(settings, "1.3") ? settings.groups : settings.groups.filter(isForVersion12)
  return groups.map(groupCode)
}
