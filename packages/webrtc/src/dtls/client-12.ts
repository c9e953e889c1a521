import { readCertificate, writeCertificate } from "./certificate-message.ts"
import { canSignFor } from "./cipher-suite.ts"
import type { Offer } from "./client-hello.ts"
import { concat, Reader, readUint16s, Writer } from "./codec.ts"
import { ExtensionType } from "./extensions.ts"
import { Failure, malformed } from "./failure.ts"
import type { Agreement, Handshake, Steps } from "./handshake.ts"
import { NAMED_CURVE, PROTECTED_EPOCH, Secrets12 } from "./handshake-12.ts"
import { HandshakeType } from "./handshake-type.ts"
import { isDowngraded, type ServerHello } from "./hello.ts"
import { describeGroup, groupOf, isForVersion12 } from "./named-group.ts"
import {
  agreeOnIds,
  boundToAnother,
  chosenSrtp,
  chosenSuite,
  offers,
  readRecordSizeLimit,
  unexpected,
} from "./negotiation.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import { checkSignature, writeSignature } from "./signature.ts"

const OF_SERVER_HELLO: readonly number[] = [
  ExtensionType.ecPointFormats,
  ExtensionType.useSrtp,
  ExtensionType.extendedMasterSecret,
  ExtensionType.renegotiationInfo,
  ExtensionType.recordSizeLimit,
  ExtensionType.connectionId,
]

/** RFC 5246 §7.3 with ephemeral Diffie-Hellman on curves (RFC 8422), from the ServerHello on. */
export function* client12(h: Handshake, offer: Offer, hello: ServerHello, message: ReceivedMessage): Steps {
  const { settings } = h
  // RFC 8446 §4.1.3: a server that could have done better says so, and somebody in between made it not.
  if (offers(settings, "1.3") && isDowngraded(hello.random))
    return new Failure(
      "illegal_parameter",
      "version",
      "both could do 1.3, and somebody in between prevented it",
    )
  const agreed = agree(h, hello)
  if (agreed instanceof Failure) return agreed
  h.transcript.add(message)

  const shown = yield { epoch: 0, types: [HandshakeType.certificate] }
  const certificate = readCertificate(shown.body, "1.2", settings)
  if (certificate instanceof Failure) return certificate
  if (!canSignFor(agreed.suite, certificate.key.type))
    return new Failure(
      "illegal_parameter",
      "certificate",
      `a certificate of type ${certificate.key.type} with ${agreed.suite.name}`,
    )
  h.transcript.add(shown)

  const exchange = yield { epoch: 0, types: [HandshakeType.serverKeyExchange] }
  const random = { clientRandom: offer.random, serverRandom: hello.random }
  const share = readServerKeyExchange(exchange.body)
  if (share instanceof Failure) return share
  const group = groupOf(share.group)
  if (group === undefined || !isForVersion12(group) || !settings.groups.includes(group))
    return new Failure(
      "illegal_parameter",
      "group",
      `ServerKeyExchange: ${describeGroup(share.group)} was not offered`,
    )
  const content = concat(random.clientRandom, random.serverRandom, share.parameters)
  const unsigned = checkSignature("ServerKeyExchange", "1.2", share.rest, certificate.key, content)
  if (unsigned !== undefined) return unsigned
  const ours = h.crypto.encapsulate(group, share.public)
  if (ours === undefined)
    return new Failure("illegal_parameter", "group", `ServerKeyExchange: no share of ${group}`)
  h.transcript.add(exchange)
  const agreement: Agreement = { ...agreed, group }
  h.agreement = agreement

  let next = yield { epoch: 0, types: [HandshakeType.certificateRequest, HandshakeType.serverHelloDone] }
  let asked: number[] | undefined
  if (next.type === HandshakeType.certificateRequest) {
    asked = readCertificateRequest(next.body)
    if (asked === undefined) return malformed("CertificateRequest")
    h.transcript.add(next)
    next = yield { epoch: 0, types: [HandshakeType.serverHelloDone] }
  }
  if (next.body.length > 0) return malformed("ServerHelloDone")
  h.transcript.add(next)

  if (asked !== undefined) h.send(HandshakeType.certificate, writeCertificate(settings.certificate, "1.2"))
  h.send(HandshakeType.clientKeyExchange, new Writer().vector8(writer => writer.bytes(ours.public)).done)
  const isExtended = hello.extensions.has(ExtensionType.extendedMasterSecret)
  const secrets = new Secrets12(h, agreement, "client", { ...random, isExtended }, ours.secret)
  if (asked !== undefined) {
    const signature = writeSignature(settings, "1.2", asked, h.transcript.bytes("1.2"))
    if (signature instanceof Failure) return signature
    h.send(HandshakeType.certificateVerify, signature)
  }
  secrets.sendFinished()
  secrets.readProtected()
  return secrets.takeFinished(yield { epoch: PROTECTED_EPOCH, types: [HandshakeType.finished] })
}

/** All but the group, which the ServerKeyExchange tells. */
function agree(h: Handshake, hello: ServerHello): Omit<Agreement, "group"> | Failure {
  const { settings } = h
  const { extensions } = hello
  const suite = chosenSuite(settings, "1.2", hello.cipherSuite)
  if (suite instanceof Failure) return suite
  const notOffered: number[] = []
  if (settings.srtp.length === 0) notOffered.push(ExtensionType.useSrtp)
  if (settings.connectionId === undefined) notOffered.push(ExtensionType.connectionId)
  const unknown = unexpected(extensions, OF_SERVER_HELLO, notOffered)
  if (unknown !== undefined) return unknown
  const bound = boundToAnother(extensions)
  if (bound !== undefined) return bound
  const srtp = chosenSrtp(settings, extensions)
  if (srtp instanceof Failure) return srtp
  const limit = readRecordSizeLimit(extensions, "1.2")
  if (limit instanceof Failure) return limit
  h.recordSizeLimit = limit
  return { version: "1.2", suite, srtp, ...agreeOnIds(settings, extensions) }
}

/** RFC 8422 §5.4. */
function readServerKeyExchange(body: Uint8Array):
  | {
      readonly group: number
      readonly public: Uint8Array
      /** What is signed, as it came. */
      readonly parameters: Uint8Array
      readonly rest: Reader
    }
  | Failure {
  const reader = new Reader(body)
  const type = reader.uint8()
  const group = reader.uint16()
  const share = reader.vector8()
  if (reader.isBroken) return malformed("ServerKeyExchange")
  if (type !== NAMED_CURVE)
    return new Failure("illegal_parameter", "group", "ServerKeyExchange: a curve without a name")
  return { group, public: share, parameters: body.subarray(0, body.length - reader.left), rest: reader }
}

/** The signature schemes that the server verifies (RFC 5246 §7.4.4). */
function readCertificateRequest(body: Uint8Array): number[] | undefined {
  const reader = new Reader(body)
  reader.vector8()
  const schemes = readUint16s(reader.vector16())
  reader.vector16()
  return reader.isWhole ? schemes : undefined
}
