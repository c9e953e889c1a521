import type { Group } from "../crypto/index.ts"
import { readCertificate, type TheirCertificate, writeCertificate } from "./certificate-message.ts"
import { canSignFor, suitesOf } from "./cipher-suite.ts"
import { concat, Reader, Writer } from "./codec.ts"
import { ExtensionsWriter, ExtensionType } from "./extensions.ts"
import { Failure, malformed } from "./failure.ts"
import type { Agreement, Handshake, Steps } from "./handshake.ts"
import { NAMED_CURVE, PROTECTED_EPOCH, Secrets12 } from "./handshake-12.ts"
import { HandshakeType } from "./handshake-type.ts"
import { type ClientHello, DOWNGRADE_SENTINEL, RANDOM_LENGTH, writeServerHello } from "./hello.ts"
import { groupCode, isForVersion12 } from "./named-group.ts"
import {
  agreeOnIds,
  boundToAnother,
  chooseSrtp,
  offers,
  RECORD_SIZE_LIMIT,
  readRecordSizeLimit,
} from "./negotiation.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import { checkSignature, writeSignature } from "./signature.ts"
import { SIGNATURE_CODES } from "./signature-scheme.ts"
import { SRTP_PROFILES } from "./srtp-profile.ts"

const RSA_SIGN = 1
const ECDSA_SIGN = 64
/** RFC 5746 §3.3: a suite that stands for an empty `renegotiation_info`. */
const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff
/** What a client verifies that does not say so (RFC 5246 §7.4.1.4.1) is SHA-1, which nobody should: SHA-256 is asked of it. */
const UNSAID_SCHEMES: readonly number[] = [0x0403, 0x0401]

/** RFC 5246 §7.3 with ephemeral Diffie-Hellman on curves (RFC 8422), from the ClientHello on. */
export function* server12(h: Handshake, hello: ClientHello, message: ReceivedMessage): Steps {
  const { settings, crypto } = h
  const { extensions } = hello
  const agreement = agree(h, hello)
  if (agreement instanceof Failure) return agreement
  const theirs = extensions.has(ExtensionType.signatureAlgorithms)
    ? extensions.codes(ExtensionType.signatureAlgorithms)
    : UNSAID_SCHEMES
  const serverRandom = h.random(RANDOM_LENGTH)
  if (offers(settings, "1.3")) serverRandom.set(DOWNGRADE_SENTINEL, RANDOM_LENGTH - DOWNGRADE_SENTINEL.length)
  const share = crypto.keyShare(agreement.group)
  const parameters = new Writer()
    .uint8(NAMED_CURVE)
    .uint16(groupCode(agreement.group))
    .vector8(writer => writer.bytes(share.public)).done
  const signature = writeSignature(settings, "1.2", theirs, concat(hello.random, serverRandom, parameters))
  if (signature instanceof Failure) return signature
  h.agreement = agreement
  h.hasChosen = true

  h.transcript.add(message)
  h.send(HandshakeType.serverHello, serverHello(h, agreement, hello, serverRandom))
  h.send(HandshakeType.certificate, writeCertificate(settings.certificate, "1.2"))
  h.send(HandshakeType.serverKeyExchange, concat(parameters, signature))
  const isAsked = settings.remote !== "anybody"
  if (isAsked) h.send(HandshakeType.certificateRequest, certificateRequest())
  h.send(HandshakeType.serverHelloDone, new Uint8Array(0))

  let certificate: TheirCertificate | undefined
  if (isAsked) {
    const shown = yield { epoch: 0, types: [HandshakeType.certificate] }
    const read = readCertificate(shown.body, "1.2", settings)
    if (read instanceof Failure) return read
    certificate = read
    h.transcript.add(shown)
  }
  const exchange = yield { epoch: 0, types: [HandshakeType.clientKeyExchange] }
  const reader = new Reader(exchange.body)
  const theirShare = reader.vector8()
  if (!reader.isWhole) return malformed("ClientKeyExchange")
  const preMaster = share.agree(theirShare)
  if (preMaster === undefined)
    return new Failure("illegal_parameter", "group", `ClientKeyExchange: no share of ${agreement.group}`)
  h.transcript.add(exchange)
  const isExtended = extensions.has(ExtensionType.extendedMasterSecret)
  const random = { clientRandom: hello.random, serverRandom }
  const secrets = new Secrets12(h, agreement, "server", { ...random, isExtended }, preMaster)
  if (certificate !== undefined) {
    const verify = yield { epoch: 0, types: [HandshakeType.certificateVerify] }
    const content = h.transcript.bytes("1.2")
    const unproven = checkSignature(
      "CertificateVerify",
      "1.2",
      new Reader(verify.body),
      certificate.key,
      content,
    )
    if (unproven !== undefined) return unproven
    h.transcript.add(verify)
  }
  secrets.readProtected()
  const unfinished = secrets.takeFinished(yield { epoch: PROTECTED_EPOCH, types: [HandshakeType.finished] })
  if (unfinished !== undefined) return unfinished
  secrets.sendFinished()
  return undefined
}

function agree(h: Handshake, { cipherSuites, extensions }: ClientHello): Agreement | Failure {
  const { settings } = h
  const { type } = settings.certificate.privateKey
  const suite = suitesOf("1.2", settings.aeads).find(
    each => cipherSuites.includes(each.code) && canSignFor(each, type),
  )
  if (suite === undefined)
    return new Failure(
      "handshake_failure",
      "cipher-suite",
      `the client offers no cipher suite of 1.2 that we take with a certificate of type ${type}`,
    )
  const group = chooseGroup(
    settings.groups,
    extensions.codes(ExtensionType.supportedGroups),
    extensions.has(ExtensionType.supportedGroups),
  )
  if (group === undefined)
    return new Failure("handshake_failure", "group", "the client knows no group that we take")
  const bound = boundToAnother(extensions)
  if (bound !== undefined) return bound
  const srtp = chooseSrtp(settings, extensions)
  if (srtp instanceof Failure) return srtp
  const limit = readRecordSizeLimit(extensions, "1.2")
  if (limit instanceof Failure) return limit
  h.recordSizeLimit = limit
  return { version: "1.2", suite, group, srtp, ...agreeOnIds(settings, extensions) }
}

/** RFC 8422 §4: who does not say which it knows knows any. */
function chooseGroup(ours: readonly Group[], theirs: readonly number[], isSaid: boolean): Group | undefined {
  return ours.find(group => isForVersion12(group) && (!isSaid || theirs.includes(groupCode(group))))
}

function serverHello(
  h: Handshake,
  { suite, srtp, ourId }: Agreement,
  { extensions: theirs, cipherSuites }: ClientHello,
  random: Uint8Array,
): Uint8Array {
  const extensions = new ExtensionsWriter()
  if (theirs.has(ExtensionType.renegotiationInfo) || cipherSuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV))
    extensions.add(ExtensionType.renegotiationInfo, writer => writer.vector8(() => {}))
  if (theirs.has(ExtensionType.extendedMasterSecret)) extensions.add(ExtensionType.extendedMasterSecret)
  if (theirs.has(ExtensionType.ecPointFormats))
    extensions.add(ExtensionType.ecPointFormats, writer => writer.vector8(list => list.uint8(0)))
  if (srtp !== undefined) extensions.useSrtp([SRTP_PROFILES[srtp].code])
  if (theirs.has(ExtensionType.recordSizeLimit))
    extensions.add(ExtensionType.recordSizeLimit, writer => writer.uint16(RECORD_SIZE_LIMIT["1.2"]))
  if (h.settings.connectionId !== undefined && theirs.connectionId !== undefined)
    extensions.add(ExtensionType.connectionId, writer => writer.vector8(id => id.bytes(ourId)))
  return writeServerHello({ random, cipherSuite: suite.code, extensions: extensions.done })
}

function certificateRequest(): Uint8Array {
  return new Writer()
    .vector8(types => types.uint8(ECDSA_SIGN).uint8(RSA_SIGN))
    .vector16(schemes => schemes.uint16s(SIGNATURE_CODES))
    .vector16(() => {}).done
}
