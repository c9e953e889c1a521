import { equalBytes } from "../bytes/index.ts"
import type { Group } from "../crypto/index.ts"
import { readCertificate } from "./certificate-message.ts"
import { type CipherSuite, suitesOf } from "./cipher-suite.ts"
import { Writer } from "./codec.ts"
import { type Extensions, ExtensionsWriter, ExtensionType } from "./extensions.ts"
import { Failure } from "./failure.ts"
import type { Agreement, Handshake, Steps } from "./handshake.ts"
import { HANDSHAKE_EPOCH, Secrets13, sendCertificate, takeCertificateVerify } from "./handshake-13.ts"
import { HandshakeType } from "./handshake-type.ts"
import {
  type ClientHello,
  HELLO_RETRY_RANDOM,
  RANDOM_LENGTH,
  readClientHello,
  VERSION_CODE,
  writeServerHello,
} from "./hello.ts"
import { groupCode } from "./named-group.ts"
import { agreeOnIds, chooseSrtp, RECORD_SIZE_LIMIT, readRecordSizeLimit } from "./negotiation.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import type { Settings } from "./settings.ts"
import { SIGNATURE_CODES } from "./signature-scheme.ts"
import { SRTP_PROFILES } from "./srtp-profile.ts"

const RETRY_COOKIE_LENGTH = 8
const NO_BYTES = new Uint8Array(0)

/** RFC 8446 §2, from the ClientHello on. */
export function* server13(h: Handshake, first: ClientHello, message: ReceivedMessage): Steps {
  let [hello, offer] = [first, message]
  const suite = chooseSuite(h.settings, hello)
  if (suite instanceof Failure) return suite
  const wanted = chooseGroup(h.settings, hello.extensions)
  if (wanted instanceof Failure) return wanted
  h.transcript.add(offer)
  if (hello.extensions.keyShares?.has(groupCode(wanted)) !== true) {
    h.transcript.retry(h.transcript.hash(h.crypto, suite.hash, "1.3"))
    // Some clients send a share again only with a cookie to bring back.
    const cookie = h.random(RETRY_COOKIE_LENGTH)
    h.send(HandshakeType.serverHello, helloRetryRequest(suite, wanted, cookie))
    offer = yield { epoch: 0, types: [HandshakeType.clientHello] }
    const second = readClientHello(offer.body)
    if (second instanceof Failure) return second
    if (!equalBytes(second.extensions.cookie ?? NO_BYTES, cookie))
      return new Failure(
        "illegal_parameter",
        "cookie",
        "the second ClientHello does not bring the cookie back",
      )
    h.transcript.add(offer)
    hello = second
  }
  return yield* answer13(h, hello, suite, wanted)
}

/** From the ClientHello that has a share of `group`, and is in the transcript, on. */
export function* answer13(h: Handshake, hello: ClientHello, suite: CipherSuite, group: Group): Steps {
  const { settings, crypto } = h
  const { extensions } = hello
  if (!extensions.supportedVersions.includes(VERSION_CODE["1.3"]) || !hello.cipherSuites.includes(suite.code))
    return new Failure("illegal_parameter", "message", "the second ClientHello is not the first, amended")
  const theirShare = extensions.keyShares?.get(groupCode(group))
  const shared = theirShare && crypto.encapsulate(group, theirShare)
  if (shared === undefined)
    return new Failure("illegal_parameter", "group", `ClientHello: no share of ${group}`)
  const srtp = chooseSrtp(settings, extensions)
  if (srtp instanceof Failure) return srtp
  const limit = readRecordSizeLimit(extensions, "1.3")
  if (limit instanceof Failure) return limit
  if (!extensions.has(ExtensionType.signatureAlgorithms))
    return new Failure("missing_extension", "signature", "ClientHello: without signature_algorithms")
  const theirs = extensions.codes(ExtensionType.signatureAlgorithms)
  const agreement: Agreement = { version: "1.3", suite, group, srtp, ...agreeOnIds(settings, extensions) }
  h.agreement = agreement
  h.recordSizeLimit = limit
  h.hasChosen = true

  h.send(HandshakeType.serverHello, serverHello(h, agreement, extensions, shared.public))
  const secrets = new Secrets13(h, agreement, "server", shared.secret)
  h.send(HandshakeType.encryptedExtensions, encryptedExtensions(agreement, extensions))
  const isAsked = settings.remote !== "anybody"
  if (isAsked) h.send(HandshakeType.certificateRequest, certificateRequest())
  const unsigned = sendCertificate(h, secrets, "server", theirs)
  if (unsigned !== undefined) return unsigned
  secrets.sendFinished()
  const application = secrets.application()
  h.writeWith(application.writer)

  if (isAsked) {
    const shown = yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.certificate] }
    const certificate = readCertificate(shown.body, "1.3", settings)
    if (certificate instanceof Failure) return certificate
    h.transcript.add(shown)
    const verify = yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.certificateVerify] }
    const unproven = takeCertificateVerify(h, secrets, "client", certificate.key, verify)
    if (unproven !== undefined) return unproven
  }
  const unfinished = secrets.takeFinished(yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.finished] })
  if (unfinished !== undefined) return unfinished
  h.readWith(application.reader)
  return undefined
}

export function chooseSuite({ aeads }: Settings, hello: ClientHello): CipherSuite | Failure {
  const suite = suitesOf("1.3", aeads).find(({ code }) => hello.cipherSuites.includes(code))
  return (
    suite ??
    new Failure("handshake_failure", "cipher-suite", "the client offers no cipher suite of 1.3 that we take")
  )
}

/** The first of ours that came with a share, so that no round trip is lost; else the first that it knows. */
export function chooseGroup({ groups }: Settings, extensions: Extensions): Group | Failure {
  const known = extensions.codes(ExtensionType.supportedGroups)
  const both = groups.filter(group => known.includes(groupCode(group)))
  const shares = extensions.keyShares
  if (shares === undefined)
    return new Failure("missing_extension", "group", "ClientHello: without key shares")
  const chosen = both.find(group => shares.has(groupCode(group))) ?? both[0]
  return chosen ?? new Failure("handshake_failure", "group", "the client knows no group that we take")
}

function serverHello(
  h: Handshake,
  { suite, group, ourId }: Agreement,
  theirs: Extensions,
  share: Uint8Array,
): Uint8Array {
  const extensions = new ExtensionsWriter()
    .add(ExtensionType.supportedVersions, writer => writer.uint16(VERSION_CODE["1.3"]))
    .add(ExtensionType.keyShare, writer =>
      writer.uint16(groupCode(group)).vector16(bytes => bytes.bytes(share)),
    )
  if (h.settings.connectionId !== undefined && theirs.connectionId !== undefined)
    extensions.add(ExtensionType.connectionId, writer => writer.vector8(id => id.bytes(ourId)))
  return writeServerHello({
    random: h.random(RANDOM_LENGTH),
    cipherSuite: suite.code,
    extensions: extensions.done,
  })
}

/** RFC 8446 §4.1.4. `group`: a share of which is asked for. `cookie`: what is to be brought back, where nothing is kept. */
export function helloRetryRequest(suite: CipherSuite, group?: Group, cookie?: Uint8Array): Uint8Array {
  const extensions = new ExtensionsWriter().add(ExtensionType.supportedVersions, writer =>
    writer.uint16(VERSION_CODE["1.3"]),
  )
  if (group !== undefined) extensions.add(ExtensionType.keyShare, writer => writer.uint16(groupCode(group)))
  if (cookie !== undefined)
    extensions.add(ExtensionType.cookie, writer => writer.vector16(bytes => bytes.bytes(cookie)))
  return writeServerHello({
    random: HELLO_RETRY_RANDOM,
    cipherSuite: suite.code,
    extensions: extensions.done,
  })
}

function encryptedExtensions({ srtp }: Agreement, theirs: Extensions): Uint8Array {
  const extensions = new ExtensionsWriter()
  if (srtp !== undefined) extensions.useSrtp([SRTP_PROFILES[srtp].code])
  if (theirs.has(ExtensionType.recordSizeLimit))
    extensions.add(ExtensionType.recordSizeLimit, writer => writer.uint16(RECORD_SIZE_LIMIT["1.3"]))
  return new Writer().vector16(writer => writer.bytes(extensions.done)).done
}

function certificateRequest(): Uint8Array {
  const extensions = new ExtensionsWriter().addCodes(ExtensionType.signatureAlgorithms, SIGNATURE_CODES)
  return new Writer().vector8(() => {}).vector16(writer => writer.bytes(extensions.done)).done
}
