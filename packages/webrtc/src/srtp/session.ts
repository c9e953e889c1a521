import { type Ciphers, SRTP_PROFILES, type SrtpMasterKey, type SrtpProfile } from "../crypto/index.ts"
import { AeadRtcp, AeadRtp } from "./aead-transform.ts"
import { CounterModeRtcp, CounterModeRtp } from "./counter-mode-transform.ts"
import { HeaderExtensions } from "./header-extensions.ts"
import { LABEL, type Label, sessionKey } from "./session-keys.ts"
import type { RtcpTransform, RtpTransform } from "./transform.ts"

const AUTHENTICATION_KEY = 20
const LONG_TAG = 10
const SHORT_TAG = 4

/** What is made of one master key. */
export interface Session {
  readonly rtp: RtpTransform
  readonly rtcp: RtcpTransform
  readonly headerExtensions: HeaderExtensions | undefined
}

/** Throws a TypeError where key or salt are not of the profile's length, or an id is no extension's. */
export function createSession(
  crypto: Ciphers,
  master: SrtpMasterKey,
  profile: SrtpProfile,
  encryptedExtensions: readonly number[],
): Session {
  const { key: keyLength, salt: saltLength } = SRTP_PROFILES[profile]
  if (master.key.length !== keyLength || master.salt.length !== saltLength)
    throw new TypeError(`master: ${profile} has a key of ${keyLength} bytes and a salt of ${saltLength}`)
  if (encryptedExtensions.some(id => !Number.isInteger(id) || id < 1 || id > 255))
    throw new TypeError("encryptedExtensions: ids are from 1 to 255 (RFC 8285 §4.3)")
  const derived: Uint8Array[] = []
  const derive = (label: Label, length: number) => {
    const key = sessionKey(crypto, master, label, length)
    derived.push(key)
    return key
  }
  const session = compose(crypto, profile, encryptedExtensions, derive)
  // Who needs them has them by now (RFC 7714 §13.1).
  for (const key of derived) key.fill(0)
  return session
}

function compose(
  crypto: Ciphers,
  profile: SrtpProfile,
  encryptedExtensions: readonly number[],
  derive: (label: Label, length: number) => Uint8Array,
): Session {
  const { key: keyLength, salt: saltLength } = SRTP_PROFILES[profile]
  const headerExtensions =
    encryptedExtensions.length === 0
      ? undefined
      : new HeaderExtensions(
          crypto,
          derive(LABEL.headerEncryption, keyLength),
          derive(LABEL.headerSalt, saltLength),
          encryptedExtensions,
        )
  const rtp = { key: derive(LABEL.rtpEncryption, keyLength), salt: derive(LABEL.rtpSalt, saltLength) }
  const rtcp = { key: derive(LABEL.rtcpEncryption, keyLength), salt: derive(LABEL.rtcpSalt, saltLength) }
  if (profile === "AEAD_AES_128_GCM" || profile === "AEAD_AES_256_GCM") {
    const algorithm = profile === "AEAD_AES_128_GCM" ? "aes-128-gcm" : "aes-256-gcm"
    return {
      rtp: new AeadRtp(crypto, algorithm, rtp.key, rtp.salt),
      rtcp: new AeadRtcp(crypto, algorithm, rtcp.key, rtcp.salt),
      headerExtensions,
    }
  }
  const authentication = (label: Label) => ({ authentication: derive(label, AUTHENTICATION_KEY) })
  // The short tag is of media alone (RFC 5764 §4.1.2).
  const tagLength = profile === "AES128_CM_HMAC_SHA1_32" ? SHORT_TAG : LONG_TAG
  return {
    rtp: new CounterModeRtp(crypto, { ...rtp, ...authentication(LABEL.rtpAuthentication) }, tagLength),
    rtcp: new CounterModeRtcp(crypto, { ...rtcp, ...authentication(LABEL.rtcpAuthentication) }, LONG_TAG),
    headerExtensions,
  }
}

export function closeSession({ rtp, rtcp, headerExtensions }: Session): void {
  rtp.close()
  rtcp.close()
  headerExtensions?.close()
}
