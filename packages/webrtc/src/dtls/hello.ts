import { equalBytes } from "../bytes/index.ts"
import { Reader, readUint16s, Writer } from "./codec.ts"
import { Extensions } from "./extensions.ts"
import { Failure, malformed } from "./failure.ts"
import type { DtlsVersion } from "./options.ts"

export const VERSION_CODE: Readonly<Record<DtlsVersion, number>> = { "1.2": 0xfefd, "1.3": 0xfefc }
const DTLS_1_0 = 0xfeff
export const RANDOM_LENGTH = 32
const NULL_COMPRESSION = 0

/** RFC 8446 §4.1.3: SHA-256 of "HelloRetryRequest". */
export const HELLO_RETRY_RANDOM: Uint8Array = Uint8Array.of(
  0xcf,
  0x21,
  0xad,
  0x74,
  0xe5,
  0x9a,
  0x61,
  0x11,
  0xbe,
  0x1d,
  0x8c,
  0x02,
  0x1e,
  0x65,
  0xb8,
  0x91,
  0xc2,
  0xa2,
  0x11,
  0x16,
  0x7a,
  0xbb,
  0x8c,
  0x5e,
  0x07,
  0x9e,
  0x09,
  0xe2,
  0xc8,
  0xa8,
  0x33,
  0x9c,
)

/** RFC 8446 §4.1.3: "DOWNGRD" and 1, at the end of the random of a server that could have done 1.3. */
export const DOWNGRADE_SENTINEL: Uint8Array = Uint8Array.of(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01)

export interface ClientHello {
  readonly legacyVersion: number
  readonly random: Uint8Array
  /** Of RFC 6347 §4.2.1. */
  readonly cookie: Uint8Array
  readonly cipherSuites: readonly number[]
  readonly extensions: Extensions
}

/** RFC 9147 §5.3, RFC 6347 §4.2.1. */
export function readClientHello(body: Uint8Array): ClientHello | Failure {
  const reader = new Reader(body)
  const legacyVersion = reader.uint16()
  const random = reader.bytes(RANDOM_LENGTH)
  const sessionId = reader.vector8()
  const cookie = reader.vector8()
  const cipherSuites = readUint16s(reader.vector16())
  const compressions = reader.vector8()
  const extensions = Extensions.read(reader.left > 0 ? reader.vector16() : new Uint8Array(0))
  if (!reader.isWhole || cipherSuites === undefined || sessionId.length > 32) return malformed("ClientHello")
  if (extensions instanceof Failure) return extensions
  if (!compressions.includes(NULL_COMPRESSION))
    return new Failure("illegal_parameter", "message", "ClientHello: it wants compression")
  return { legacyVersion, random, cookie, cipherSuites, extensions }
}

export function writeClientHello(hello: {
  readonly random: Uint8Array
  readonly cookie: Uint8Array
  readonly cipherSuites: readonly number[]
  readonly extensions: Uint8Array
}): Uint8Array {
  return new Writer()
    .uint16(VERSION_CODE["1.2"])
    .bytes(hello.random)
    .vector8(() => {})
    .vector8(writer => writer.bytes(hello.cookie))
    .vector16(writer => writer.uint16s(hello.cipherSuites))
    .vector8(writer => writer.uint8(NULL_COMPRESSION))
    .vector16(writer => writer.bytes(hello.extensions)).done
}

export interface ServerHello {
  readonly legacyVersion: number
  readonly random: Uint8Array
  readonly cipherSuite: number
  readonly extensions: Extensions
}

/** RFC 8446 §4.1.3, RFC 5246 §7.4.1.3. */
export function readServerHello(body: Uint8Array): ServerHello | Failure {
  const reader = new Reader(body)
  const legacyVersion = reader.uint16()
  const random = reader.bytes(RANDOM_LENGTH)
  reader.vector8()
  const cipherSuite = reader.uint16()
  const compression = reader.uint8()
  const extensions = Extensions.read(reader.left > 0 ? reader.vector16() : new Uint8Array(0))
  if (!reader.isWhole) return malformed("ServerHello")
  if (extensions instanceof Failure) return extensions
  if (compression !== NULL_COMPRESSION)
    return new Failure("illegal_parameter", "message", "ServerHello: it wants compression")
  return { legacyVersion, random, cipherSuite, extensions }
}

/** The session is never named: there is no resumption, and 1.3 does not echo (RFC 9147 §5.3). */
export function writeServerHello(hello: {
  readonly random: Uint8Array
  readonly cipherSuite: number
  readonly extensions: Uint8Array
}): Uint8Array {
  return new Writer()
    .uint16(VERSION_CODE["1.2"])
    .bytes(hello.random)
    .vector8(() => {})
    .uint16(hello.cipherSuite)
    .uint8(NULL_COMPRESSION)
    .vector16(writer => writer.bytes(hello.extensions)).done
}

export function isHelloRetryRequest(hello: ServerHello): boolean {
  return equalBytes(hello.random, HELLO_RETRY_RANDOM)
}

export function isDowngraded(random: Uint8Array): boolean {
  return equalBytes(random.subarray(RANDOM_LENGTH - DOWNGRADE_SENTINEL.length), DOWNGRADE_SENTINEL)
}

/** RFC 6347 §4.2.1. The version in it means nothing. */
export function readHelloVerifyRequest(body: Uint8Array): Uint8Array | Failure {
  const reader = new Reader(body)
  reader.uint16()
  const cookie = reader.vector8()
  return reader.isWhole ? cookie : malformed("HelloVerifyRequest")
}

export function writeHelloVerifyRequest(cookie: Uint8Array): Uint8Array {
  return new Writer().uint16(DTLS_1_0).vector8(writer => writer.bytes(cookie)).done
}
