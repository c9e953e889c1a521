import { ExtensionType } from "./extensions.ts"
import { Failure } from "./failure.ts"
import type { Handshake, Steps } from "./handshake.ts"
import { HandshakeType } from "./handshake-type.ts"
import { type ClientHello, readClientHello, VERSION_CODE } from "./hello.ts"
import { offers } from "./negotiation.ts"
import type { DtlsVersion } from "./options.ts"
import { server12 } from "./server-12.ts"
import { server13 } from "./server-13.ts"
import type { Settings } from "./settings.ts"

/** The server's side of a handshake, of the highest version that both have. */
export function* serverHandshake(h: Handshake): Steps {
  const message = yield { epoch: 0, types: [HandshakeType.clientHello] }
  const hello = readClientHello(message.body)
  if (hello instanceof Failure) return hello
  const version = chooseVersion(h.settings, hello)
  if (version === undefined)
    return new Failure(
      "protocol_version",
      "version",
      "the client offers neither DTLS 1.2 nor 1.3 that we take",
    )
  return version === "1.3" ? yield* server13(h, hello, message) : yield* server12(h, hello, message)
}

/** RFC 8446 §4.2.1: the extension, or what a client that knows none says. The highest of both. */
export function chooseVersion(settings: Settings, hello: ClientHello): DtlsVersion | undefined {
  const { extensions, legacyVersion } = hello
  const offered = extensions.has(ExtensionType.supportedVersions)
    ? extensions.supportedVersions
    : // DTLS counts down: 1.0 is the greater number (RFC 6347 §4.1).
      legacyVersion <= VERSION_CODE["1.2"] && legacyVersion >> 8 === 0xfe
      ? [VERSION_CODE["1.2"]]
      : []
  const order = ["1.3", "1.2"] as const
  return order.find(version => offers(settings, version) && offered.includes(VERSION_CODE[version]))
}
