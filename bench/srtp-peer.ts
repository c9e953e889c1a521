import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { SrtpContender } from "./srtp-contender.ts"

const SOURCE = resolve(import.meta.dirname, "srtp-peer.c")

/** libsrtp2 in `srtp-peer.c`, compiled here and now. What it returns instead says why it cannot be had. */
export async function srtpPeer(): Promise<(SrtpContender & { remove(): Promise<void> }) | string> {
  const flags = spawnSync("pkg-config", ["--cflags", "--libs", "libsrtp2"], { encoding: "utf8" })
  if (flags.error !== undefined || flags.status !== 0)
    return "There is no libsrtp2 to compare with. On Debian: apt-get install pkg-config libsrtp2-dev"
  const folder = await mkdtemp(join(tmpdir(), "tightbeam-bench-"))
  const remove = () => rm(folder, { recursive: true, force: true })
  const program = join(folder, "srtp-peer")
  const compile = ["-O2", "-o", program, SOURCE, ...flags.stdout.trim().split(/\s+/)]
  const compiled = spawnSync("cc", compile, { encoding: "utf8" })
  if (compiled.error !== undefined || compiled.status !== 0) {
    await remove()
    return compiled.error === undefined ? `cc: ${compiled.stderr}` : "There is no C compiler (cc) here."
  }
  return {
    name: "libsrtp2",
    async run({ profile, bytes, packets }) {
      const { status, stdout, stderr } = spawnSync(program, [profile, String(bytes), String(packets)], {
        encoding: "utf8",
      })
      if (status !== 0) throw new Error(`srtp-peer: ${stderr}`)
      const [protect, unprotect] = stdout.split(" ").map(nanoseconds => Number(nanoseconds) / 1000 / packets)
      return { protect: protect!, unprotect: unprotect! }
    },
    remove,
  }
}
