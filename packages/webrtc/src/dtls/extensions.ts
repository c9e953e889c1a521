import { readUint16 } from "../bytes/index.ts"
import { Reader, readUint16s, Writer } from "./codec.ts"
import { Failure } from "./failure.ts"

/** RFC 8446 §4.2, and the RFC beside each. */
export const ExtensionType = {
  supportedGroups: 10,
  /** RFC 8422 §5.1.2. */
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  /** RFC 5764 §4.1.1. */
  useSrtp: 14,
  /** RFC 7627 §5.1. */
  extendedMasterSecret: 23,
  /** RFC 8449 §4. */
  recordSizeLimit: 28,
  supportedVersions: 43,
  cookie: 44,
  keyShare: 51,
  /** RFC 9146 §3, RFC 9147 §9. */
  connectionId: 54,
  /** RFC 5746 §3.2. */
  renegotiationInfo: 0xff01,
} as const

/** As they came: by type, each once. */
export class Extensions {
  readonly #all: ReadonlyMap<number, Uint8Array>

  private constructor(all: ReadonlyMap<number, Uint8Array>) {
    this.#all = all
  }

  /** RFC 8446 §4.2: none twice. */
  static read(bytes: Uint8Array): Extensions | Failure {
    const reader = new Reader(bytes)
    const all = new Map<number, Uint8Array>()
    while (reader.left > 0) {
      const type = reader.uint16()
      const body = reader.vector16()
      if (reader.isBroken) return new Failure("decode_error", "message", "extensions: malformed")
      if (all.has(type)) return new Failure("illegal_parameter", "message", `extension ${type}: twice`)
      all.set(type, body)
    }
    return new Extensions(all)
  }

  get types(): Iterable<number> {
    return this.#all.keys()
  }

  has(type: number): boolean {
    return this.#all.has(type)
  }

  get(type: number): Uint8Array | undefined {
    return this.#all.get(type)
  }

  /** A list of 16-bit codes with its length before it: groups, signature schemes. Empty where it is malformed or not there. */
  codes(type: number): number[] {
    const body = this.#all.get(type)
    return (body && whole(body, reader => readUint16s(reader.vector16()))) ?? []
  }

  /** The versions that a ClientHello offers. */
  get supportedVersions(): number[] {
    const body = this.#all.get(ExtensionType.supportedVersions)
    return (body && whole(body, reader => readUint16s(reader.vector8()))) ?? []
  }

  /** The one that a ServerHello selects. */
  get selectedVersion(): number | undefined {
    const body = this.#all.get(ExtensionType.supportedVersions)
    return body && whole(body, reader => reader.uint16())
  }

  get cookie(): Uint8Array | undefined {
    const body = this.#all.get(ExtensionType.cookie)
    return body && whole(body, reader => reader.vector16())
  }

  /** What the other end wants before its records; `undefined` where it is malformed or not there. */
  get connectionId(): Uint8Array | undefined {
    const body = this.#all.get(ExtensionType.connectionId)
    return body && whole(body, reader => reader.vector8())
  }

  /** RFC 8449 §4: 64 at least. `undefined`: no limit of its own. */
  get recordSizeLimit(): number | undefined | Failure {
    const body = this.#all.get(ExtensionType.recordSizeLimit)
    if (body === undefined) return undefined
    const limit = body.length === 2 ? readUint16(body, 0) : 0
    return limit >= 64
      ? limit
      : new Failure("illegal_parameter", "message", `record_size_limit: ${limit}, below 64`)
  }

  /** The profiles of a `use_srtp`, whose MKI is not for us (RFC 5764 §4.1.3). */
  get useSrtp(): number[] | undefined {
    const body = this.#all.get(ExtensionType.useSrtp)
    return (
      body &&
      whole(body, reader => {
        const profiles = readUint16s(reader.vector16())
        reader.vector8()
        return profiles
      })
    )
  }

  /** The shares of a ClientHello, by group. */
  get keyShares(): Map<number, Uint8Array> | undefined {
    const body = this.#all.get(ExtensionType.keyShare)
    return (
      body &&
      whole(body, reader => {
        const list = new Reader(reader.vector16())
        const shares = new Map<number, Uint8Array>()
        while (list.left > 0) {
          const group = list.uint16()
          const share = list.vector16()
          if (list.isBroken) return undefined
          if (!shares.has(group)) shares.set(group, share)
        }
        return shares
      })
    )
  }
}

/** What `read` makes of all of `body`; `undefined` where something is missing or left over. */
function whole<T>(body: Uint8Array, read: (reader: Reader) => T | undefined): T | undefined {
  const reader = new Reader(body)
  const result = read(reader)
  return reader.isWhole ? result : undefined
}

/** Writes extensions, one after another. */
export class ExtensionsWriter {
  readonly #writer = new Writer()

  add(type: number, write: (writer: Writer) => void = () => {}): this {
    this.#writer.uint16(type).vector16(write)
    return this
  }

  addCodes(type: number, codes: readonly number[]): this {
    return this.add(type, writer => writer.vector16(list => list.uint16s(codes)))
  }

  useSrtp(profiles: readonly number[]): this {
    return this.add(ExtensionType.useSrtp, writer =>
      writer.vector16(list => list.uint16s(profiles)).vector8(() => {}),
    )
  }

  get done(): Uint8Array {
    return this.#writer.done
  }
}
