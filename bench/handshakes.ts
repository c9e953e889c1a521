import { spawnSync } from "node:child_process"
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
import { compare, median, type Row, round } from "./row.ts"
import type { Options } from "./suite.ts"

const SOURCE = resolve(import.meta.dirname, "handshake-peer.c")
const AEADS: readonly AeadAlgorithm[] = ["aes-128-gcm"]

/** A version and a group, and what OpenSSL calls that group, where it has the version. */
interface Case {
  readonly version: DtlsVersion
  readonly group: Group
  readonly openssl?: string
}

// OpenSSL wants the curve of the certificate in the list, too.
const CASES: readonly Case[] = [
  { version: "1.2", group: "x25519", openssl: "X25519:P-256" },
  { version: "1.2", group: "secp256r1", openssl: "P-256" },
  { version: "1.2", group: "secp384r1", openssl: "P-384:P-256" },
  { version: "1.3", group: "X25519MLKEM768" },
  { version: "1.3", group: "x25519" },
  { version: "1.3", group: "secp256r1" },
  { version: "1.3", group: "secp384r1" },
]

/** What a handshake costs, both ends together in one process, in alternating rounds with OpenSSL's where it has the version. */
export async function handshakes({ quick, note }: Options): Promise<Row[]> {
  const [count, rounds] = quick ? [100, 3] : [300, 9]
  const openssl = await buildOpenssl()
  if (typeof openssl === "string") note(openssl)
  note("OpenSSL has no DTLS 1.3: handshakes of 1.3 have no peer here.")
  const rows: Row[] = []
  try {
    for (const each of CASES) {
      ours(each, count)
      const [own, theirs]: [number[], number[]] = [[], []]
      for (let i = 0; i < rounds; i++) {
        own.push(ours(each, count))
        if (typeof openssl !== "string" && each.openssl !== undefined)
          theirs.push(openssl.run(count, each.openssl))
      }
      const what = {
        suite: "crypto",
        case: `DTLS ${each.version}, ${each.group}, both ends`,
        metric: "handshakes a second and core",
        unit: "handshakes/s",
        value: 1e6 / median(own),
      }
      rows.push(
        theirs.length === 0
          ? { ...what, value: round(what.value) }
          : compare({ ...what, peer: "OpenSSL 3.0's own", peerValue: 1e6 / median(theirs) }),
      )
    }
  } finally {
    if (typeof openssl !== "string") await openssl.remove()
  }
  return rows
}

const certificates = [selfSignedCertificate(nodeCrypto), selfSignedCertificate(nodeCrypto)] as const

/** µs of CPU for one handshake. */
function ours({ version, group }: Case, count: number): number {
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

/** OpenSSL in `handshake-peer.c`, compiled here and now. What it returns instead says why it cannot be had. */
async function buildOpenssl(): Promise<
  { run(count: number, group: string): number; remove(): Promise<void> } | string
> {
  const folder = await mkdtemp(join(tmpdir(), "tightbeam-bench-"))
  const program = join(folder, "handshake-peer")
  const remove = () => rm(folder, { recursive: true, force: true })
  const flags = ["-O2", "-o", program, SOURCE, "-lssl", "-lcrypto"]
  const compiled = spawnSync("cc", flags, { encoding: "utf8" })
  if (compiled.error !== undefined || compiled.status !== 0) {
    await remove()
    return "There is no OpenSSL to compare with. On Debian: apt-get install gcc libssl-dev"
  }
  return {
    run: (count, group) => {
      const { status, stdout } = spawnSync(program, [String(count), group], { encoding: "utf8" })
      if (status !== 0) throw new Error(`handshake-peer: exit code ${status}`)
      return (JSON.parse(stdout) as { cpu: number }).cpu
    },
    remove,
  }
}
