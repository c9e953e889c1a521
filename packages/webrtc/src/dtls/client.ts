import { client12 } from "./client-12.ts"
import { client13 } from "./client-13.ts"
import { clientHello, type Offer } from "./client-hello.ts"
import { ExtensionType } from "./extensions.ts"
import { Failure } from "./failure.ts"
import type { Handshake, Steps } from "./handshake.ts"
import { HandshakeType } from "./handshake-type.ts"
import { RANDOM_LENGTH, readHelloVerifyRequest, readServerHello, VERSION_CODE } from "./hello.ts"
import { offers } from "./negotiation.ts"

/** Shares of so many groups are sent at once: of the hybrid, and of one that everybody has. */
const SHARES = 2

/** So often a server may ask for a cookie. */
const MOST_COOKIES = 3

/** The client's side of a handshake, of whichever version the server chooses. */
export function* clientHandshake(h: Handshake): Steps {
  const { settings, crypto } = h
  const groups = offers(settings, "1.3") ? settings.groups.slice(0, SHARES) : []
  const offer: Offer = {
    random: h.random(RANDOM_LENGTH),
    shares: groups.map(group => crypto.keyShare(group)),
  }
  h.send(HandshakeType.clientHello, clientHello(settings, offer))
  let answer = yield { epoch: 0, types: [HandshakeType.serverHello, HandshakeType.helloVerifyRequest] }
  for (let asked = 1; answer.type === HandshakeType.helloVerifyRequest; asked++) {
    const cookie = readHelloVerifyRequest(answer.body)
    if (cookie instanceof Failure) return cookie
    // RFC 6347 §4.2.1: as if neither this nor the first ClientHello had been.
    h.transcript.clear()
    h.send(HandshakeType.clientHello, clientHello(settings, { ...offer, cookie }))
    const types: number[] = [HandshakeType.serverHello]
    // A cookie that came back too late is answered with another.
    if (asked < MOST_COOKIES) types.push(HandshakeType.helloVerifyRequest)
    answer = yield { epoch: 0, types }
  }
  const hello = readServerHello(answer.body)
  if (hello instanceof Failure) return hello
  const version = hello.extensions.selectedVersion ?? hello.legacyVersion
  if (version === VERSION_CODE["1.3"] && offers(settings, "1.3"))
    return yield* client13(h, offer, hello, answer)
  if (
    version === VERSION_CODE["1.2"] &&
    offers(settings, "1.2") &&
    !hello.extensions.has(ExtensionType.supportedVersions)
  )
    return yield* client12(h, offer, hello, answer)
  return new Failure(
    "protocol_version",
    "version",
    `the server chose 0x${version.toString(16)}, which was not offered`,
  )
}
