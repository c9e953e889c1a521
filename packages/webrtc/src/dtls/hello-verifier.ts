import type { Address } from "../bytes/index.ts"
import { suitesOf } from "./cipher-suite.ts"
import { Cookies } from "./cookie.ts"
import { Failure } from "./failure.ts"
import type { Handshake, Steps } from "./handshake.ts"
import { HandshakeType } from "./handshake-type.ts"
import { type ClientHello, readClientHello, writeHelloVerifyRequest } from "./hello.ts"
import { groupCode, groupOf } from "./named-group.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import { chooseVersion } from "./server.ts"
import { server12 } from "./server-12.ts"
import { answer13, chooseGroup, chooseSuite, helloRetryRequest } from "./server-13.ts"
import type { Settings } from "./settings.ts"
import { Transcript } from "./transcript.ts"

/** What is to be done about a ClientHello of somebody who is not known. */
export type Verdict =
  /** To be sent, and forgotten. */
  | { readonly type: "challenge"; readonly handshakeType: number; readonly body: Uint8Array }
  /** The client is where it says: the handshake goes on from here. */
  | {
      readonly type: "verified"
      /** Of the client: two ClientHellos with the same one are of one handshake. */
      readonly random: Uint8Array
      readonly steps: (h: Handshake) => Steps
    }
  | Failure

/** Judges ClientHellos without keeping anything of them (RFC 6347 §4.2.1, RFC 9147 §5.1). */
export class HelloVerifier {
  readonly #settings: Settings
  readonly #cookies: Cookies

  constructor(settings: Settings, cookieLifetime: number) {
    this.#settings = settings
    this.#cookies = new Cookies(settings.crypto, cookieLifetime)
  }

  judge(message: ReceivedMessage, from: Address, now: number): Verdict {
    const hello = readClientHello(message.body)
    if (hello instanceof Failure) return hello
    const version = chooseVersion(this.#settings, hello)
    if (version === undefined)
      return new Failure("protocol_version", "version", "the client offers no version of DTLS that we take")
    return version === "1.2"
      ? this.#judge12(hello, message, from, now)
      : this.#judge13(hello, message, from, now)
  }

  #judge12(hello: ClientHello, message: ReceivedMessage, from: Address, now: number): Verdict {
    if (this.#cookies.isForVersion12(hello.cookie, from, now))
      return { type: "verified", random: hello.random, steps: h => server12(h, hello, message) }
    const body = writeHelloVerifyRequest(this.#cookies.forVersion12(from, now))
    return { type: "challenge", handshakeType: HandshakeType.helloVerifyRequest, body }
  }

  #judge13(hello: ClientHello, message: ReceivedMessage, from: Address, now: number): Verdict {
    const { aeads } = this.#settings
    const cookie = hello.extensions.cookie
    if (cookie === undefined) return this.#retry(hello, message, from, now)
    const retry = this.#cookies.retryOf(cookie, from, now)
    const suite = suitesOf("1.3", aeads).find(({ code }) => code === retry?.suite)
    const group = retry && groupOf(retry.group)
    // RFC 9147 §5.1: so that it begins anew, for it may be asked once only.
    if (retry === undefined || suite === undefined || group === undefined)
      return new Failure("illegal_parameter", "cookie", "a cookie that is not ours, or no longer")
    return {
      type: "verified",
      random: hello.random,
      steps: h => {
        const asked = retry.isGroupAsked ? group : undefined
        h.transcript.retry(retry.hash)
        // It says again what was said then, of which nothing else is known.
        h.transcript.add({
          type: HandshakeType.serverHello,
          sequence: 0,
          body: helloRetryRequest(suite, asked, cookie),
        })
        h.transcript.add(message)
        return answer13(h, hello, suite, group)
      },
    }
  }

  #retry(hello: ClientHello, message: ReceivedMessage, from: Address, now: number): Verdict {
    const { crypto } = this.#settings
    const suite = chooseSuite(this.#settings, hello)
    if (suite instanceof Failure) return suite
    const group = chooseGroup(this.#settings, hello.extensions)
    if (group instanceof Failure) return group
    const first = new Transcript()
    first.add(message)
    const hash = first.hash(crypto, suite.hash, "1.3")
    // RFC 8446 §4.1.4: a share that is there already is not asked for.
    const isGroupAsked = hello.extensions.keyShares?.has(groupCode(group)) !== true
    const cookie = this.#cookies.forRetry(suite, group, isGroupAsked, hash, from, now)
    const body = helloRetryRequest(suite, isGroupAsked ? group : undefined, cookie)
    return { type: "challenge", handshakeType: HandshakeType.serverHello, body }
  }
}
