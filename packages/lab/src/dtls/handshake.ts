import { Internet, type LinkOptions, Random } from "@tightbeam/sim"
import type { Address } from "@tightbeam/webrtc/bytes"
import type { Datagram, Machine, Path } from "@tightbeam/webrtc/contract"
import {
  type Certificate,
  DtlsConnection,
  type DtlsEvent,
  type DtlsOptions,
  type DtlsOut,
  type DtlsVersion,
  fingerprintOf,
  selfSignedCertificate,
} from "@tightbeam/webrtc/dtls"
import { quickCrypto } from "../quick-crypto.ts"

/** Virtual ms in which every handshake must be over. */
const DEADLINE = 60_000
const LOSS = 0.3
/** Round trips until the client may speak, where nothing is lost (RFC 9147 §5.1, RFC 6347 §4.2.4). */
const ROUND_TRIPS: Readonly<Record<DtlsVersion, number>> = { "1.3": 1, "1.2": 2 }
const PORT = 5000

/** One seed: how long its handshake took, virtual ms, and how many datagrams that were. */
export interface HandshakeSample {
  readonly took: number
  readonly datagrams: number
}

/**
 * A handshake of `version` on a network without loss, which takes so many round trips exactly, and then over one that
 * loses 30 % each way, reorders and doubles, which it outlasts. Throws where it does not.
 */
export function seededHandshake(
  version: DtlsVersion,
  seed: number,
  watch?: (internet: Internet) => void,
): HandshakeSample {
  const random = new Random(`dtls ${version} ${seed}`)
  const delay = 1 + Math.floor(random.float() * 150)
  const plan = planOf(version, random)
  const clean = handshake(seed, plan, { delay }, delay)
  const expected = ROUND_TRIPS[version] * 2 * delay
  if (Math.abs(clean.clientAt - expected) > 1e-6)
    throw new Error(`without loss: ${clean.clientAt} ms, not ${expected}`)
  const lossy = { delay, loss: LOSS, reordering: 0.3, reorderingDelay: 2 * delay, duplication: 0.1 }
  const { tookUntil, datagrams } = handshake(seed, plan, lossy, delay, watch)
  return { took: tookUntil, datagrams }
}

interface Plan {
  readonly both: Partial<DtlsOptions>
  /** Whether ICE told how long the round trip is. */
  readonly isRoundTripKnown: boolean
}

function planOf(version: DtlsVersion, random: Random): Plan {
  const isHybrid = version === "1.3" && random.chance(0.7)
  return {
    isRoundTripKnown: random.chance(0.8),
    both: {
      versions: random.chance(0.5) ? [version] : version === "1.3" ? ["1.3", "1.2"] : ["1.2"],
      groups: isHybrid ? ["X25519MLKEM768", "x25519"] : random.chance(0.5) ? ["x25519"] : ["secp256r1"],
      aeads: [random.chance(0.5) ? "aes-128-gcm" : "chacha20-poly1305"],
      srtp: random.chance(0.5) ? ["AEAD_AES_128_GCM"] : [],
      mtu: random.chance(0.2) ? 400 : 1200,
      ...(random.chance(0.3) && { connectionId: Uint8Array.of(1, 2, 3, 4) }),
    },
  }
}

function handshake(
  seed: number,
  { both, isRoundTripKnown }: Plan,
  link: LinkOptions,
  delay: number,
  watch?: (internet: Internet) => void,
): { readonly clientAt: number; readonly tookUntil: number; readonly datagrams: number } {
  const net = new Internet({ seed, link: { ...link } })
  watch?.(net)
  const hosts = [net.host("client"), net.host("server")] as const
  const certificates = hosts.map(host => certificateOf(host.name))
  const ends = hosts.map((host, i) => {
    const other = hosts[1 - i]!
    const end = new End()
    const driver = host.run(end)
    const socket = driver.listen(PORT)
    const connect = () =>
      driver.command((now, out) => {
        const crypto = quickCrypto(net.random.fork(host.name))
        const remote: Address = { ip: other.ips[0]!, port: PORT }
        end.connect(
          {
            ...both,
            crypto,
            role: i === 0 ? "client" : "server",
            certificate: certificates[i]!,
            remote: [fingerprintOf(crypto, certificates[1 - i]!.der, "sha-256")],
            onData: () => {},
          },
          out.paths.open(socket, remote),
          isRoundTripKnown ? 2 * delay : undefined,
          now,
          out,
        )
      })
    return { end, driver, connect }
  })
  // The server waits: ICE lets both begin at about the same time.
  ends[1]!.connect()
  ends[0]!.connect()
  const isOver = () => ends.every(({ end }) => end.connectedAt < Infinity)
  while (!isOver() && net.simulation.schedule.step(DEADLINE));
  if (!isOver()) throw new Error(`stuck: ${ends.map(({ end }) => end.state).join(", ")}`)
  const datagrams = ends.reduce((sum, { driver }) => sum + driver.traffic.packetsOut, 0)
  return { clientAt: ends[0]!.end.connectedAt, tookUntil: net.now, datagrams }
}

const certificates = new Map<string, Certificate>()

/** The same for every seed: what is in them is random, and nothing depends on it. */
function certificateOf(name: string): Certificate {
  const known = certificates.get(name)
  if (known !== undefined) return known
  const made = selfSignedCertificate(quickCrypto(new Random(`certificate of the ${name}`)))
  certificates.set(name, made)
  return made
}

/** A host that speaks DTLS with one other. */
class End implements Machine<DtlsEvent> {
  connectedAt: number = Infinity
  #connection: DtlsConnection | undefined

  get state(): string {
    return this.#connection?.state ?? "not begun"
  }

  get nextTick(): number {
    return this.#connection?.nextTick ?? Infinity
  }

  connect(options: DtlsOptions, path: Path, roundTrip: number | undefined, now: number, out: DtlsOut): void {
    out.paths.hold(path)
    this.#connection = new DtlsConnection({ ...options, path })
    if (roundTrip !== undefined) this.#connection.roundTrip(roundTrip)
    this.#connection.start(now, out)
  }

  receive(d: Datagram, now: number, out: DtlsOut): void {
    this.#connection?.receive(d, now, out)
    this.#look(now)
  }

  reply(): void {
    // It asks for nothing.
  }

  tick(now: number, out: DtlsOut): void {
    this.#connection?.tick(now, out)
    this.#look(now)
  }

  #look(now: number): void {
    if (this.#connection?.state === "connected") this.connectedAt = Math.min(this.connectedAt, now)
  }
}
