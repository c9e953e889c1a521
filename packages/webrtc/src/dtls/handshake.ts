import type { Group } from "../crypto/index.ts"
import type { CipherSuite } from "./cipher-suite.ts"
import { MAX_PLAINTEXT } from "./content-type.ts"
import type { Failure } from "./failure.ts"
import { Flight } from "./flight.ts"
import type { KeySchedule } from "./key-schedule.ts"
import type { DtlsVersion } from "./options.ts"
import { PlaintextWriter } from "./plaintext-record.ts"
import type { ReceivedMessage } from "./reassembly.ts"
import type { RecordReader, RecordWriter } from "./record-protection.ts"
import type { Settings } from "./settings.ts"
import type { SrtpProfile } from "./srtp-profile.ts"
import { Transcript } from "./transcript.ts"

/** What a handshake waits for. Anything else is a failure of the other end's. */
export interface Expected {
  readonly epoch: number
  readonly types: readonly number[]
}

/** A handshake, told from one end: it yields what it waits for, and returns why it failed, or nothing. */
export type Steps<Result = undefined> = Generator<Expected, Failure | Result, ReceivedMessage>

/** What was agreed on, as far as it was. */
export interface Agreement {
  version: DtlsVersion
  suite: CipherSuite
  group: Group
  srtp: SrtpProfile | undefined
  /** What we write before records, and what the other end does; empty for nothing. */
  theirId: Uint8Array
  ourId: Uint8Array
}

export type Exporter = (label: string, length: number, context: Uint8Array | undefined) => Uint8Array

/** What a handshake has to work with, and what comes out of it. */
export class Handshake {
  readonly settings: Settings
  readonly transcript: Transcript = new Transcript()
  agreement: Agreement | undefined
  exporter: Exporter | undefined
  /** Of 1.3, for what comes after the handshake. */
  schedule: KeySchedule | undefined
  recordSizeLimit: number = MAX_PLAINTEXT
  /** The other end was told what was chosen: from here on, a failure is one of the connection. */
  hasChosen = false
  /** What leaves when the next step is taken. */
  flight: Flight = new Flight()
  writer: RecordWriter
  readonly #readWith: (reader: RecordReader) => void
  #sequence: number

  /** `sequence`: message_seq of our first message, and of our first record. */
  constructor(settings: Settings, readWith: (reader: RecordReader) => void, sequence = 0, record = 0) {
    this.settings = settings
    this.#readWith = readWith
    this.#sequence = sequence
    this.writer = new PlaintextWriter(record)
  }

  get crypto(): Settings["crypto"] {
    return this.settings.crypto
  }

  /** A message of ours. It is part of the transcript. */
  send(type: number, body: Uint8Array): void {
    const message = { type, sequence: this.#sequence++, body }
    this.transcript.add(message)
    this.flight.add(message, this.writer)
  }

  /** One that comes after the handshake, in a flight of its own. */
  sendAfter(type: number, body: Uint8Array): Flight {
    const flight = new Flight()
    flight.add({ type, sequence: this.#sequence++, body }, this.writer)
    return flight
  }

  sendChangeCipherSpec(): void {
    this.flight.add(undefined, this.writer)
  }

  /** From now on. */
  writeWith(writer: RecordWriter): void {
    this.writer = writer
  }

  /** From now on, too. */
  readWith(reader: RecordReader): void {
    this.#readWith(reader)
  }

  random(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.crypto.random(bytes)
    return bytes
  }
}
