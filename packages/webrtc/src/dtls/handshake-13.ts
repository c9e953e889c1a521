import { equalInConstantTime, type PublicKey } from "../crypto/index.ts"
import { writeCertificate } from "./certificate-message.ts"
import { ascii, concat, Reader } from "./codec.ts"
import { Extensions, ExtensionType } from "./extensions.ts"
import { Failure, malformed } from "./failure.ts"
import type { Agreement, Handshake } from "./handshake.ts"
import { HandshakeType } from "./handshake-type.ts"
import { KeySchedule } from "./key-schedule.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import { RecordReader13, RecordWriter13, TrafficKeys } from "./record-13.ts"
import { checkSignature, writeSignature } from "./signature.ts"

/** Epochs of 1.3 (RFC 9147 §6.1); each KeyUpdate begins another. */
export const HANDSHAKE_EPOCH = 2
export const APPLICATION_EPOCH = 3

export type Side = "client" | "server"

export function otherSide(side: Side): Side {
  return side === "client" ? "server" : "client"
}

/** What both sides of 1.3 do alike, once the key exchange gave a secret (RFC 8446 §4.4, §7.1). */
export class Secrets13 {
  readonly schedule: KeySchedule
  readonly #h: Handshake
  readonly #agreement: Agreement
  readonly #side: Side
  readonly #traffic: Readonly<Record<Side, Uint8Array>>

  /** After the ServerHello is in the transcript. */
  constructor(h: Handshake, agreement: Agreement, side: Side, shared: Uint8Array) {
    this.#h = h
    this.#agreement = agreement
    this.#side = side
    this.schedule = new KeySchedule(h.crypto, agreement.suite.hash)
    this.schedule.enterHandshake(shared)
    const hash = this.hash()
    this.#traffic = {
      client: this.schedule.secret("c hs traffic", hash),
      server: this.schedule.secret("s hs traffic", hash),
    }
    h.readWith(this.#reader(HANDSHAKE_EPOCH, this.#traffic[otherSide(side)]))
    h.writeWith(this.#writer(HANDSHAKE_EPOCH, this.#traffic[side]))
  }

  hash(): Uint8Array {
    return this.#h.transcript.hash(this.#h.crypto, this.#agreement.suite.hash, "1.3")
  }

  sendFinished(): void {
    this.#h.send(HandshakeType.finished, this.schedule.finished(this.#traffic[this.#side], this.hash()))
  }

  /** Is judged by what came before it, and then part of it. */
  takeFinished(message: ReceivedMessage): Failure | undefined {
    const expected = this.schedule.finished(this.#traffic[otherSide(this.#side)], this.hash())
    if (!equalInConstantTime(message.body, expected))
      return new Failure("decrypt_error", "message", "Finished: not made of what we saw and said")
    this.#h.transcript.add(message)
    return undefined
  }

  /** The keys of the application's data, which the server's Finished decides. Begins to use none of them. */
  application(): { readonly reader: RecordReader13; readonly writer: RecordWriter13 } {
    const { schedule } = this
    const hash = this.hash()
    schedule.enterMaster()
    const traffic = {
      client: schedule.secret("c ap traffic", hash),
      server: schedule.secret("s ap traffic", hash),
    }
    const exporterSecret = schedule.secret("exp master", hash)
    this.#h.exporter = (label, length, context) =>
      schedule.export(exporterSecret, label, length, context ?? new Uint8Array(0))
    this.#h.schedule = schedule
    return {
      reader: this.#reader(APPLICATION_EPOCH, traffic[otherSide(this.#side)]),
      writer: this.#writer(APPLICATION_EPOCH, traffic[this.#side]),
    }
  }

  #reader(epoch: number, secret: Uint8Array): RecordReader13 {
    return new RecordReader13(epoch, this.#keys(secret), this.#agreement.ourId)
  }

  #writer(epoch: number, secret: Uint8Array): RecordWriter13 {
    return new RecordWriter13(epoch, this.#keys(secret), this.#agreement.theirId)
  }

  #keys(secret: Uint8Array): TrafficKeys {
    return new TrafficKeys(this.#h.crypto, this.#agreement.suite.aead, this.schedule, secret)
  }
}

/** Shows our certificate and proves it. */
export function sendCertificate(
  h: Handshake,
  secrets: Secrets13,
  side: Side,
  theirs: readonly number[],
): Failure | undefined {
  h.send(HandshakeType.certificate, writeCertificate(h.settings.certificate, "1.3"))
  const signature = writeSignature(h.settings, "1.3", theirs, signedContent(side, secrets.hash()))
  if (signature instanceof Failure) return signature
  h.send(HandshakeType.certificateVerify, signature)
  return undefined
}

/** RFC 8446 §4.4.3: whoever shows a certificate has its key. */
export function takeCertificateVerify(
  h: Handshake,
  secrets: Secrets13,
  side: Side,
  key: PublicKey,
  message: ReceivedMessage,
): Failure | undefined {
  const content = signedContent(side, secrets.hash())
  const unproven = checkSignature("CertificateVerify", "1.3", new Reader(message.body), key, content)
  if (unproven !== undefined) return unproven
  h.transcript.add(message)
  return undefined
}

function signedContent(side: Side, hash: Uint8Array): Uint8Array {
  const spaces = new Uint8Array(64).fill(0x20)
  return concat(spaces, ascii(`TLS 1.3, ${side} CertificateVerify`), Uint8Array.of(0), hash)
}

/** The signature schemes of a CertificateRequest (RFC 8446 §4.3.2). */
export function readCertificateRequest(body: Uint8Array): number[] | Failure {
  const reader = new Reader(body)
  const context = reader.vector8()
  const extensions = Extensions.read(reader.vector16())
  if (!reader.isWhole || context.length > 0) return malformed("CertificateRequest")
  if (extensions instanceof Failure) return extensions
  if (!extensions.has(ExtensionType.signatureAlgorithms))
    return new Failure("missing_extension", "message", "CertificateRequest: without signature_algorithms")
  return extensions.codes(ExtensionType.signatureAlgorithms)
}
