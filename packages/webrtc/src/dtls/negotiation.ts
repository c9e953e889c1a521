import { suitesOf } from "./cipher-suite.ts"
import { MAX_PLAINTEXT } from "./content-type.ts"
import { type Extensions, ExtensionType } from "./extensions.ts"
import { Failure } from "./failure.ts"
import { groupCode, isForVersion12 } from "./named-group.ts"
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

/** RFC 8449 §4: what may be in a record; in 1.3 with its type. */
export function readRecordSizeLimit(extensions: Extensions, isVersion13: boolean): number | Failure {
  const limit = extensions.recordSizeLimit
  if (limit instanceof Failure) return limit
  return Math.min(limit === undefined ? MAX_PLAINTEXT : limit - (isVersion13 ? 1 : 0), MAX_PLAINTEXT)
}

/** What we take in a record: the most there is. */
export const RECORD_SIZE_LIMIT: Readonly<Record<"1.2" | "1.3", number>> = {
  "1.2": MAX_PLAINTEXT,
  "1.3": MAX_PLAINTEXT + 1,
}

export function offers(settings: Settings, version: "1.2" | "1.3"): boolean {
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
