import { Random } from "@tightbeam/sim"
import { type Path, PathTable } from "@tightbeam/webrtc/contract"
import type { TransportCrypto } from "@tightbeam/webrtc/crypto"
import {
  DtlsConnection,
  DtlsListener,
  type DtlsOptions,
  type DtlsOut,
  fingerprintOf,
  selfSignedCertificate,
} from "@tightbeam/webrtc/dtls"
import { quickCrypto } from "../quick-crypto.ts"

/** Datagrams that one seed hears. */
export const HOSTILE_INPUTS = 200
const LONGEST = 2048

export interface HostileSample {
  readonly inputs: number
  /** The longest that one datagram took, on the clock that was given. */
  readonly slowest: number
}

/**
 * One seed: two ends and a listener, one of the ends with a tongue that slips. What it seals is changed before, so that it
 * arrives with the right keys; what is under way is changed, cut, joined, and heard by whom it is not for. Whatever
 * throws, throws out of here.
 */
export function hostileSeed(seed: number, clock: () => number): HostileSample {
  const random = new Random(`hostile ${seed}`)
  const wire = new Wire(random, clock)
  for (let turn = 0; wire.inputs < HOSTILE_INPUTS; turn++) wire.turn(turn)
  return { inputs: wire.inputs, slowest: wire.slowest }
}

class Wire {
  inputs = 0
  slowest = 0
  #now = 0
  readonly #random: Random
  readonly #clock: () => number
  readonly #paths = new PathTable(16)
  readonly #slab = new Uint8Array(4 * LONGEST)
  readonly #view = new DataView(this.#slab.buffer)
  /** Everything that was ever said, for who wants to say it again. */
  readonly #said: Uint8Array[] = []
  #underWay: { readonly to: number; readonly bytes: Uint8Array }[] = []
  #ends: DtlsConnection[] = []
  readonly #listener: DtlsListener

  constructor(random: Random, clock: () => number) {
    this.#random = random
    this.#clock = clock
    const crypto = quickCrypto(random.fork("listener"))
    this.#listener = new DtlsListener({
      crypto,
      certificate: selfSignedCertificate(crypto),
      remote: "anybody",
      onData: () => {},
    })
    this.#begin()
  }

  turn(turn: number): void {
    const random = this.#random
    this.#now += random.float() * 100
    for (const [i, end] of this.#ends.entries())
      if (end.nextTick <= this.#now) end.tick(this.#now, this.#outOf(i))
    if (this.#listener.nextTick <= this.#now) this.#listener.tick(this.#now, this.#listenerOut)
    if (turn % 60 === 59 || this.#ends.every(({ state }) => state === "failed" || state === "closed"))
      this.#begin()
    for (const { to, bytes } of this.#underWay.splice(0)) {
      if (!random.chance(0.1)) this.#hear(to, bytes)
      if (random.chance(0.5)) this.#hear(Math.floor(random.float() * 3), this.#changed(bytes))
    }
    if (this.#said.length > 0)
      this.#hear(
        Math.floor(random.float() * 3),
        this.#changed(this.#said[Math.floor(random.float() * this.#said.length)]!),
      )
  }

  #begin(): void {
    const random = this.#random
    for (const [i, end] of this.#ends.entries()) end.close(this.#now, this.#outOf(i))
    const versions = (["1.3", "1.2"] as const).filter(() => random.chance(0.7))
    const slips = Math.floor(random.float() * 3)
    const both: Partial<DtlsOptions> = {
      versions: versions.length === 0 ? ["1.3"] : versions,
      srtp: ["AEAD_AES_128_GCM"],
      mtu: random.chance(0.5) ? 300 : 1200,
      ...(random.chance(0.5) && { connectionId: Uint8Array.of(7, 7) }),
    }
    const cryptos = [0, 1].map(i => {
      const honest = quickCrypto(random.fork(`end ${i} ${this.inputs}`))
      return i === slips ? slipping(honest, random) : honest
    })
    const certificates = cryptos.map(crypto => selfSignedCertificate(crypto))
    this.#ends = cryptos.map(
      (crypto, i) =>
        new DtlsConnection({
          ...both,
          crypto,
          role: i === 0 ? "client" : "server",
          certificate: certificates[i]!,
          remote: [fingerprintOf(crypto, certificates[1 - i]!.der, "sha-256")],
          onData: () => {},
        }),
    )
    this.#ends[1]!.start(this.#now, this.#outOf(1))
    this.#ends[0]!.start(this.#now, this.#outOf(0))
  }

  #hear(to: number, bytes: Uint8Array): void {
    this.inputs++
    const copy = bytes.slice(0, LONGEST)
    const view = new DataView(copy.buffer)
    const d = { bytes: copy, view, offset: 0, length: copy.length, path: this.#path, ecn: 0 }
    const started = this.#clock()
    if (to < 2) this.#ends[to]!.receive(d, this.#now, this.#outOf(to))
    else this.#listener.receive(d, this.#now, this.#listenerOut)
    this.slowest = Math.max(this.slowest, this.#clock() - started)
  }

  #changed(bytes: Uint8Array): Uint8Array {
    const random = this.#random
    const copy = Uint8Array.from(bytes)
    const at = () => Math.floor(random.float() * copy.length)
    for (let i = Math.floor(random.float() * 4); i >= 0 && copy.length > 0; i--)
      copy[at()] = random.chance(0.5)
        ? random.uint32() & 255
        : [0, 1, 0xff, 0xfe, 22, 25][random.uint32() % 6]!
    if (random.chance(0.2)) return copy.subarray(0, at())
    if (random.chance(0.2) && this.#said.length > 0) {
      const other = this.#said[random.uint32() % this.#said.length]!
      return Uint8Array.of(...copy.subarray(0, at()), ...other.subarray(random.uint32() % other.length))
    }
    return copy
  }

  get #path(): Path {
    return this.#paths.open(0, { ip: Uint8Array.of(192, 0, 2, 1), port: 1 })
  }

  #outOf(end: number): DtlsOut {
    return { ...this.#listenerOut, commit: length => this.#say(1 - end, length) }
  }

  get #listenerOut() {
    return {
      paths: this.#paths,
      bytes: this.#slab,
      view: this.#view,
      reserve: (_path: Path, max: number) => {
        this.#slab.fill(0, 0, max)
        return 0
      },
      commit: (length: number) => this.#say(0, length),
      forward: () => {},
      ask: () => {},
      tell: () => {},
      note: () => {},
    }
  }

  #say(to: number, length: number): void {
    const bytes = this.#slab.slice(0, length)
    if (this.#said.length < 400) this.#said.push(bytes)
    else this.#said[this.#random.uint32() % this.#said.length] = bytes
    if (this.#underWay.length < 40) this.#underWay.push({ to, bytes })
  }
}

/** Now and then, what it seals is not what it meant. */
function slipping(crypto: TransportCrypto, random: Random): TransportCrypto {
  return {
    ...crypto,
    aead: (algorithm, key) => {
      const aead = crypto.aead(algorithm, key)
      return {
        open: (...args) => aead.open(...args),
        close: () => aead.close(),
        seal: (nonce, associated, associatedAt, associatedLength, bytes, at, length) => {
          if (length > 0 && random.chance(0.3)) bytes[at + (random.uint32() % length)] = random.uint32() & 255
          aead.seal(nonce, associated, associatedAt, associatedLength, bytes, at, length)
        },
      }
    },
  }
}
