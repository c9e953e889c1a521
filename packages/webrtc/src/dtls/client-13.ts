import { readUint16 } from "../bytes/index.ts"
import { readCertificate } from "./certificate-message.ts"
import type { CipherSuite } from "./cipher-suite.ts"
import { clientHello, type Offer } from "./client-hello.ts"
import { Reader } from "./codec.ts"
import { Extensions, ExtensionType } from "./extensions.ts"
import { Failure, malformed } from "./failure.ts"
import type { Agreement, Handshake, Steps } from "./handshake.ts"
import {
  HANDSHAKE_EPOCH,
  readCertificateRequest,
  Secrets13,
  sendCertificate,
  takeCertificateVerify,
} from "./handshake-13.ts"
import { HandshakeType } from "./handshake-type.ts"
import { isHelloRetryRequest, readServerHello, type ServerHello, VERSION_CODE } from "./hello.ts"
import { describeGroup, groupOf } from "./named-group.ts"
import { agreeOnIds, chosenSrtp, chosenSuite, readRecordSizeLimit, unexpected } from "./negotiation.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import type { Settings } from "./settings.ts"

const OF_SERVER_HELLO: readonly number[] = [
  ExtensionType.supportedVersions,
  ExtensionType.keyShare,
  ExtensionType.connectionId,
]
const OF_ENCRYPTED_EXTENSIONS: readonly number[] = [
  ExtensionType.supportedGroups,
  ExtensionType.useSrtp,
  ExtensionType.recordSizeLimit,
]

/** RFC 8446 §2, from the ServerHello on; it may be a HelloRetryRequest. */
export function* client13(h: Handshake, offered: Offer, first: ServerHello, message: ReceivedMessage): Steps {
  let [offer, hello, answer] = [offered, first, message]
  const suite = chosenSuite(h.settings, "1.3", hello.cipherSuite)
  if (suite instanceof Failure) return suite
  if (isHelloRetryRequest(hello)) {
    const again = retried(h.settings, offer, hello)
    if (again instanceof Failure) return again
    offer = again
    h.transcript.retry(h.transcript.hash(h.crypto, suite.hash, "1.3"))
    h.transcript.add(answer)
    h.send(HandshakeType.clientHello, clientHello(h.settings, offer))
    answer = yield { epoch: 0, types: [HandshakeType.serverHello] }
    const second = readServerHello(answer.body)
    if (second instanceof Failure) return second
    if (isHelloRetryRequest(second))
      return new Failure("unexpected_message", "message", "a second HelloRetryRequest")
    const isSame =
      second.cipherSuite === suite.code && second.extensions.selectedVersion === VERSION_CODE["1.3"]
    if (!isSame)
      return new Failure(
        "illegal_parameter",
        "cipher-suite",
        "ServerHello: not what the HelloRetryRequest chose",
      )
    hello = second
  }
  h.transcript.add(answer)
  const exchanged = exchange(h.settings, offer, hello, suite)
  if (exchanged instanceof Failure) return exchanged
  const { agreement, secret } = exchanged
  h.agreement = agreement
  const secrets = new Secrets13(h, agreement, "client", secret)

  const encrypted = yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.encryptedExtensions] }
  const extended = readEncryptedExtensions(h, agreement, encrypted.body)
  if (extended instanceof Failure) return extended
  h.transcript.add(encrypted)

  let next = yield {
    epoch: HANDSHAKE_EPOCH,
    types: [HandshakeType.certificateRequest, HandshakeType.certificate],
  }
  let asked: number[] | undefined
  if (next.type === HandshakeType.certificateRequest) {
    const request = readCertificateRequest(next.body)
    if (request instanceof Failure) return request
    asked = request
    h.transcript.add(next)
    next = yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.certificate] }
  }
  const certificate = readCertificate(next.body, "1.3", h.settings)
  if (certificate instanceof Failure) return certificate
  h.transcript.add(next)

  const verify = yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.certificateVerify] }
  const unproven = takeCertificateVerify(h, secrets, "server", certificate.key, verify)
  if (unproven !== undefined) return unproven
  const unfinished = secrets.takeFinished(yield { epoch: HANDSHAKE_EPOCH, types: [HandshakeType.finished] })
  if (unfinished !== undefined) return unfinished

  const application = secrets.application()
  if (asked !== undefined) {
    const unsigned = sendCertificate(h, secrets, "client", asked)
    if (unsigned !== undefined) return unsigned
  }
  secrets.sendFinished()
  h.readWith(application.reader)
  h.writeWith(application.writer)
  return undefined
}

/** RFC 8446 §4.1.4: what the server asks to be offered instead. */
function retried({ crypto, groups }: Settings, offer: Offer, { extensions }: ServerHello): Offer | Failure {
  const selected = extensions.get(ExtensionType.keyShare)
  const retryCookie = extensions.cookie
  if (selected === undefined) {
    return retryCookie === undefined
      ? new Failure("illegal_parameter", "message", "HelloRetryRequest: it changes nothing")
      : { ...offer, retryCookie }
  }
  if (selected.length !== 2) return malformed("HelloRetryRequest")
  const code = readUint16(selected, 0)
  const group = groupOf(code)
  if (group === undefined || !groups.includes(group) || offer.shares.some(share => share.group === group))
    return new Failure("illegal_parameter", "group", `HelloRetryRequest: wants ${describeGroup(code)}`)
  return { ...offer, shares: [crypto.keyShare(group)], retryCookie }
}

function exchange(
  settings: Settings,
  offer: Offer,
  { extensions }: ServerHello,
  suite: CipherSuite,
): { readonly agreement: Agreement; readonly secret: Uint8Array } | Failure {
  const unknown = unexpected(
    extensions,
    OF_SERVER_HELLO,
    settings.connectionId === undefined ? [ExtensionType.connectionId] : [],
  )
  if (unknown !== undefined) return unknown
  const reader = new Reader(extensions.get(ExtensionType.keyShare) ?? new Uint8Array(0))
  const code = reader.uint16()
  const theirs = reader.vector16()
  if (!reader.isWhole) return new Failure("missing_extension", "group", "ServerHello: without a key share")
  const share = offer.shares.find(({ group }) => group === groupOf(code))
  const secret = share?.agree(theirs)
  if (share === undefined || secret === undefined)
    return new Failure(
      "illegal_parameter",
      "group",
      `ServerHello: no share of ${describeGroup(code)} that answers ours`,
    )
  const agreement: Agreement = {
    version: "1.3",
    suite,
    group: share.group,
    srtp: undefined,
    ...agreeOnIds(settings, extensions),
  }
  return { agreement, secret }
}

function readEncryptedExtensions(h: Handshake, agreement: Agreement, body: Uint8Array): Failure | undefined {
  const reader = new Reader(body)
  const extensions = Extensions.read(reader.vector16())
  if (!reader.isWhole) return malformed("EncryptedExtensions")
  if (extensions instanceof Failure) return extensions
  const unknown = unexpected(
    extensions,
    OF_ENCRYPTED_EXTENSIONS,
    h.settings.srtp.length === 0 ? [ExtensionType.useSrtp] : [],
  )
  if (unknown !== undefined) return unknown
  const srtp = chosenSrtp(h.settings, extensions)
  if (srtp instanceof Failure) return srtp
  const limit = readRecordSizeLimit(extensions, "1.3")
  if (limit instanceof Failure) return limit
  agreement.srtp = srtp
  h.recordSizeLimit = limit
  return undefined
}
