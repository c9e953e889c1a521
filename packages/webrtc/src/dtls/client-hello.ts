import type { KeyShare } from "../crypto/index.ts"
import { ExtensionsWriter, ExtensionType } from "./extensions.ts"
import { VERSION_CODE, writeClientHello } from "./hello.ts"
import { groupCode } from "./named-group.ts"
import { groupCodes, offers, RECORD_SIZE_LIMIT, srtpCodes, suiteCodes } from "./negotiation.ts"
import type { Settings } from "./settings.ts"
import { SIGNATURE_CODES } from "./signature-scheme.ts"

/** What changes from one ClientHello to the next. */
export interface Offer {
  readonly random: Uint8Array
  readonly shares: readonly KeyShare[]
  /** Of a HelloVerifyRequest. */
  readonly cookie?: Uint8Array
  /** Of a HelloRetryRequest. */
  readonly retryCookie?: Uint8Array | undefined
}

/** Everything that we can do, in one ClientHello (RFC 8446 §4.1.2, RFC 9147 §5.3). */
export function clientHello(settings: Settings, offer: Offer): Uint8Array {
  const extensions = new ExtensionsWriter()
  if (offers(settings, "1.2"))
    extensions
      .add(ExtensionType.extendedMasterSecret)
      .add(ExtensionType.renegotiationInfo, writer => writer.vector8(() => {}))
      .add(ExtensionType.ecPointFormats, writer => writer.vector8(list => list.uint8(0)))
  extensions
    .addCodes(ExtensionType.supportedGroups, groupCodes(settings))
    .addCodes(ExtensionType.signatureAlgorithms, SIGNATURE_CODES)
  if (settings.srtp.length > 0) extensions.useSrtp(srtpCodes(settings.srtp))
  const { connectionId } = settings
  if (connectionId !== undefined)
    extensions.add(ExtensionType.connectionId, writer => writer.vector8(id => id.bytes(connectionId)))
  extensions.add(ExtensionType.recordSizeLimit, writer =>
    writer.uint16(RECORD_SIZE_LIMIT[offers(settings, "1.3") ? "1.3" : "1.2"]),
  )
  if (offers(settings, "1.3")) {
    const versions = settings.versions.map(version => VERSION_CODE[version])
    extensions.add(ExtensionType.supportedVersions, writer => writer.vector8(list => list.uint16s(versions)))
    if (offer.retryCookie !== undefined) {
      const { retryCookie } = offer
      extensions.add(ExtensionType.cookie, writer => writer.vector16(cookie => cookie.bytes(retryCookie)))
    }
    extensions.add(ExtensionType.keyShare, writer =>
      writer.vector16(list => {
        for (const share of offer.shares)
          list.uint16(groupCode(share.group)).vector16(bytes => bytes.bytes(share.public))
      }),
    )
  }
  return writeClientHello({
    random: offer.random,
    cookie: offer.cookie ?? new Uint8Array(0),
    cipherSuites: suiteCodes(settings),
    extensions: extensions.done,
  })
}
