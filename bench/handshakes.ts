import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { AeadAlgorithm, Group } from "@tightbeam/webrtc/crypto"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  DtlsConnection,
  type DtlsOut,
  type DtlsVersion,
  fingerprintOf,
  selfSignedCertificate,
} from "@tightbeam/webrtc/dtls"
import { unpackUnstable } from "../interop/dtls/debian-unstable.ts"
import { selfSigned } from "../packages/server/src/tls/self-signed.ts"
import { compare, median, type Row, round } from "./row.ts"
import type { Options } from "./suite.ts"

const AEADS: readonly AeadAlgorithm[] = ["aes-128-gcm"]
/** What is fetched for comparisons, as `npm run interop -- dtls` does. */
const CACHE = resolve(import.meta.dirname, "../.cache/interop-dtls")

/** Somebody else's handshakes, of both ends in one process. */
interface Peer {
  readonly name: string
  readonly version: DtlsVersion
  /** What it calls its groups; those that are not here it cannot do so. */
  readonly groups: Readonly<Partial<Record<Group, string>>>
  /** µs of CPU for one handshake. */
  run(count: number, group: string): number
}

const GROUPS: Readonly<Record<DtlsVersion, readonly Group[]>> = {
  "1.2": ["x25519", "secp256r1", "secp384r1"],
  "1.3": ["X25519MLKEM768", "x25519", "secp256r1", "secp384r1"],
}

/** What a handshake costs, both ends together in one process, in alternating rounds with OpenSSL's and wolfSSL's. */
export async function handshakes({ quick, note }: Options): Promise<Row[]> {
  const [count, rounds] = quick ? [100, 3] : [300, 9]
  const folder = await mkdtemp(join(tmpdir(), "tightbeam-bench-"))
  const rows: Row[] = []
  try {
    const peers: Peer[] = []
    for (const peer of [openssl(folder), await wolfssl(folder)])
      if (typeof peer === "string") note(peer)
      else peers.push(peer)
    for (const version of ["1.2", "1.3"] as const)
      for (const group of GROUPS[version]) {
        const peer = peers.find(each => each.version === version && each.groups[group] !== undefined)
        rows.push(measured(version, group, peer, count, rounds))
      }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return rows
}

function measured(
  version: DtlsVersion,
  group: Group,
  peer: Peer | undefined,
  count: number,
  rounds: number,
): Row {
  // Code that has not run yet is not compiled.
  ours(version, group, count)
  const [own, theirs]: [number[], number[]] = [[], []]
  for (let i = 0; i < rounds; i++) {
    own.push(ours(version, group, count))
    if (peer !== undefined) theirs.push(peer.run(count, peer.groups[group]!))
  }
  const what = {
    suite: "crypto",
    case: `DTLS ${version}, ${group}, both ends`,
    metric: "handshakes a second and core",
    unit: "handshakes/s",
    value: 1e6 / median(own),
  }
  if (peer === undefined) return { ...what, value: round(what.value) }
  return compare({ ...what, peer: peer.name, peerValue: 1e6 / median(theirs) })
}

const certificates = [selfSignedCertificate(nodeCrypto), selfSignedCertificate(nodeCrypto)] as const

/** µs of CPU for one handshake. */
function ours(version: DtlsVersion, group: Group, count: number): number {
  const started = process.cpuUsage()
  for (let i = 0; i < count; i++) handshake(version, group)
  const { user, system } = process.cpuUsage(started)
  return (user + system) / count
}

/** Nothing takes time between the two, and nothing is lost. */
function handshake(version: DtlsVersion, group: Group): void {
  const queues: [Uint8Array[], Uint8Array[]] = [[], []]
  const ends = certificates.map((certificate, i) => {
    const connection = new DtlsConnection({
      crypto: nodeCrypto,
      role: i === 0 ? "client" : "server",
      certificate,
      remote: [fingerprintOf(nodeCrypto, certificates[1 - i]!.der, "sha-256")],
      versions: [version],
      groups: [group],
      aeads: AEADS,
      srtp: ["AEAD_AES_128_GCM"],
      onData: () => {},
    })
    return { connection, out: outTo(queues[1 - i]!) }
  })
  for (const { connection, out } of ends.toReversed()) connection.start(0, out)
  for (let turn = 0; ends.some(({ connection }) => connection.srtp === undefined); turn++) {
    if (turn > 20) throw new Error(`handshakes: ${ends.map(({ connection }) => connection.state).join(", ")}`)
    for (const [i, { connection, out }] of ends.entries())
      for (const bytes of queues[i]!.splice(0)) {
        const view = new DataView(bytes.buffer)
        connection.receive({ bytes, view, offset: 0, length: bytes.length, path: 0, ecn: 0 }, 0, out)
      }
  }
  for (const { connection, out } of ends) connection.close(0, out)
}

const slab = new Uint8Array(4096)
const view = new DataView(slab.buffer)

function outTo(queue: Uint8Array[]): DtlsOut {
  const nothing = () => {}
  return {
    paths: undefined as never,
    bytes: slab,
    view,
    reserve: (_path, max) => {
      slab.fill(0, 0, max)
      return 0
    },
    commit: length => void queue.push(slab.slice(0, length)),
    forward: nothing,
    ask: nothing,
    tell: nothing,
    note: nothing,
  }
}

/** Its own DTLS, which ends at 1.2. What is returned instead says why it cannot be had. */
function openssl(folder: string): Peer | string {
  const program = join(folder, "openssl")
  if (!compiled(program, "handshake-peer-openssl.c", ["-lssl", "-lcrypto"]))
    return "There is no OpenSSL to compare DTLS 1.2 with. On Debian: apt-get install gcc libssl-dev"
  return {
    name: "OpenSSL",
    version: "1.2",
    // It wants the curve of the certificate in the list, too.
    groups: { x25519: "X25519:P-256", secp256r1: "P-256", secp384r1: "P-384:P-256" },
    run: (count, group) => ran(program, [String(count), group]),
  }
}

/** Debian unstable's. It offers a share of the hybrid to no server of its own without a cookie: another exchange. */
async function wolfssl(folder: string): Promise<Peer | string> {
  const unpacked = await unpackUnstable(["libwolfssl-dev", "libmbedtls-dev"], CACHE)
  if ("missing" in unpacked) return `There is no wolfSSL to compare DTLS 1.3 with: ${unpacked.missing}`
  const program = join(folder, "wolfssl")
  if (!compiled(program, "handshake-peer-wolfssl.c", ["-lwolfssl", ...unpacked.flags]))
    return "There is no wolfSSL to compare DTLS 1.3 with: it does not compile"
  const { cert, key } = selfSigned(["127.0.0.1"], new Date(), 2)
  const files = [join(folder, "cert.pem"), join(folder, "key.pem")] as const
  writeFileSync(files[0], cert)
  writeFileSync(files[1], key)
  return {
    name: `wolfSSL ${unpacked.versions.get("libwolfssl-dev") ?? ""}`,
    version: "1.3",
    groups: { x25519: "x25519", secp256r1: "secp256r1", secp384r1: "secp384r1" },
    run: (count, group) => ran(program, [String(count), group, ...files]),
  }
}

function compiled(program: string, source: string, flags: readonly string[]): boolean {
  const { status } = spawnSync("cc", ["-O2", "-o", program, join(import.meta.dirname, source), ...flags])
  return status === 0
}

function ran(program: string, args: readonly string[]): number {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" })
  if (status !== 0) throw new Error(`${program}: exit code ${status}, ${stderr}`)
  return (JSON.parse(stdout) as { cpu: number }).cpu
}
