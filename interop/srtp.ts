import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { chooseCiphers } from "../packages/webrtc/src/crypto/choose-ciphers.ts"
import { SRTP_PROFILES, type SrtpProfile } from "../packages/webrtc/src/crypto/index.ts"
import { SrtpReceiver, SrtpSender } from "../packages/webrtc/src/srtp/index.ts"
import type { Check, Found } from "./check.ts"

const SOURCE = resolve(import.meta.dirname, "srtp/libsrtp2.c")
const PROFILES = Object.keys(SRTP_PROFILES) as SrtpProfile[]
const ROOM = 32
/** Ids of header extensions that are encrypted, where some are. */
const IDS: readonly number[] = [1, 3]

/** Each packet, and what kind of packet it is. */
type Packets = readonly (readonly [kind: "rtp" | "rtcp", packet: Uint8Array])[]

/** What we protect libsrtp2 takes, and the other way round, by every profile and both forms of our ciphers. */
export async function srtp(): Promise<Found> {
  const flags = spawnSync("pkg-config", ["--cflags", "--libs", "libsrtp2"], { encoding: "utf8" })
  if (flags.error !== undefined || flags.status !== 0)
    return { missing: "libsrtp2 is not installed (Debian: apt-get install pkg-config libsrtp2-dev)" }
  const version = spawnSync("pkg-config", ["--modversion", "libsrtp2"], { encoding: "utf8" }).stdout.trim()
  const folder = mkdtempSync(join(tmpdir(), "tightbeam-interop-"))
  try {
    const program = join(folder, "libsrtp2")
    const args = ["-O2", "-o", program, SOURCE, ...flags.stdout.trim().split(/\s+/)]
    const compiled = spawnSync("cc", args, { encoding: "utf8" })
    if (compiled.error !== undefined) return { missing: "there is no C compiler (cc) here" }
    if (compiled.status !== 0) return { missing: compiled.stderr }
    const checks: Check[] = []
    for (const form of ["auto", "off"] as const)
      for (const profile of PROFILES)
        for (const ids of [[], IDS])
          for (const direction of ["from us", "to us"] as const) {
            const why = difference(program, form, profile, ids, direction)
            const extensions = ids.length > 0 ? ", some extensions encrypted" : ""
            checks.push({
              suite: "srtp",
              peer: `libsrtp2 ${version}`,
              case: `${profile}, ${chooseCiphers(form).form}`,
              what: `${direction}, over a rollover, RTP and RTCP${extensions}`,
              passed: why === undefined,
              ...(why !== undefined && { why }),
            })
          }
    return { checks, notTried: ["cryptex: this libsrtp2 has none"] }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function difference(
  program: string,
  form: "auto" | "off",
  profile: SrtpProfile,
  ids: readonly number[],
  direction: "from us" | "to us",
): string | undefined {
  const { ciphers } = chooseCiphers(form)
  const { key, salt } = SRTP_PROFILES[profile]
  const master = {
    key: Uint8Array.from({ length: key }, (_, i) => 3 * i + 1),
    salt: Uint8Array.from({ length: salt }, (_, i) => 5 * i + 2),
  }
  const sent = packets()
  const theirs = (what: "protect" | "unprotect", input: Packets): Uint8Array[] => {
    const secret = Buffer.concat([master.key, master.salt]).toString("hex")
    const { stdout } = spawnSync(program, [what, profile, secret, ...ids.map(String)], {
      input: input.map(([kind, packet]) => `${kind} ${Buffer.from(packet).toString("hex")}\n`).join(""),
      encoding: "utf8",
    })
    return stdout
      .trim()
      .split("\n")
      .map(line => Buffer.from(line, "hex"))
  }
  const options = { encryptedExtensions: ids }
  let received: readonly Uint8Array[]
  if (direction === "from us") {
    const sender = new SrtpSender(ciphers, master, profile, options)
    const sealed = sent.map(([kind, packet]): Packets[number] => {
      const bytes = Uint8Array.of(...packet, ...new Uint8Array(ROOM))
      const length =
        kind === "rtp" ? sender.protect(bytes, 0, packet.length) : sender.protectRtcp(bytes, 0, packet.length)
      return [kind, bytes.subarray(0, Math.max(0, length))]
    })
    received = theirs("unprotect", sealed)
  } else {
    const receiver = new SrtpReceiver(ciphers, master, profile, options)
    received = theirs("protect", sent).map((bytes, i) => {
      const length =
        sent[i]![0] === "rtp"
          ? receiver.unprotect(bytes, 0, bytes.length)
          : receiver.unprotectRtcp(bytes, 0, bytes.length)
      return bytes.subarray(0, Math.max(0, length))
    })
  }
  const wrong = sent.findIndex(([, packet], i) => Buffer.compare(packet, received[i] ?? Buffer.of()) !== 0)
  return wrong === -1 ? undefined : `packet ${wrong} of ${sent.length} (${sent[wrong]![0]}) did not come out`
}

/** Two streams, one of which begins its sequence numbers anew, twice; with CSRCs and extensions of both forms; and reports. */
function packets(): Packets {
  const found: [kind: "rtp" | "rtcp", packet: Uint8Array][] = []
  const word = (value: number) => [value >>> 24, value >>> 16, value >>> 8, value]
  for (let i = 0; i < 12; i++) {
    const sequence = (20_000 * (i + 1)) & 0xffff
    const oneByte = [0xbe, 0xde, 0, 2, 0x10, 0xaa, 0x22, 1, 2, 3, 0x30, 0xbb]
    const twoByte = [0x10, 0, 0, 2, 1, 1, 0xaa, 2, 2, 1, 2, 0]
    const body = Array.from({ length: 100 * i }, (_, j) => i + j)
    for (const [ssrc, number] of [
      [0xcafebabe, sequence],
      [0x01020304, i + 1],
    ] as const)
      found.push([
        "rtp",
        Uint8Array.of(
          ...Uint8Array.of(0x92, 96, number >> 8, number),
          ...[i, ssrc, 7, 8].flatMap(word),
          ...(i % 2 === 0 ? oneByte : twoByte),
          ...body,
        ),
      ])
    found.push(["rtcp", Uint8Array.of(0x80, 200, 0, 6, ...word(0xcafebabe), ...body)])
  }
  return found
}
