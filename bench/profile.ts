import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Load, measure } from "./measure.ts"
import type { Target } from "./target.ts"

/** What the threads are called that relay. */
const THREAD = "relay"

/** Seconds of the load that are looked at. */
const SECONDS = 3

/** What perf says that code is of, in words; what nobody mapped from a file, V8 compiled. */
const OWNERS: readonly (readonly [of: RegExp, name: string])[] = [
  [/kernel|\[guest/, "the kernel"],
  [/^(node|node-.*)$/, "Node and V8"],
  [/koffi/, "koffi"],
  [/libc|ld-linux|vdso|libpthread/, "libc"],
  [/anon|JIT|perf-\d+|unknown|heap|\/\/|memfd/i, "compiled JavaScript"],
]

/**
 * Where the CPU of our relay's threads goes under a load, by perf(1), which looks at the whole machine: to look at one process alone makes
 * each of its wake-ups dearer. `undefined` where perf cannot be had.
 */
export async function profileOf(target: Target, load: Load): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "tightbeam-profile-"))
  const file = join(folder, "perf.data")
  try {
    // Its setting up of the load is looked at too, when the server has next to nothing to do.
    const seconds = `${SECONDS + 1}`
    const args = ["record", "-a", "-q", "-F", "999", "-o", file, "--", "sleep", seconds]
    const perf = spawn("perf", args, { stdio: "ignore" })
    const ended = once(perf, "exit").catch(() => [1])
    await measure(target, load, SECONDS)
    const [code] = (await ended) as [number | null]
    return code === 0 ? sharesIn(file) : undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function sharesIn(file: string): string | undefined {
  const args = [
    "report",
    "-i",
    file,
    "-q",
    "--stdio",
    "--sort",
    // Without the thread's name what many threads share would all be told of one.
    "comm,dso",
    "--percentage",
    "relative",
    "--comms",
    THREAD,
  ]
  const shares = new Map<string, number>()
  for (const line of spawnSync("perf", args).stdout.toString().split("\n")) {
    const [, share, of] = /^\s*([\d.]+)%\s+(?:relay\s+)?(.+?)\s*$/.exec(line) ?? []
    if (of === undefined) continue
    const name = OWNERS.find(([pattern]) => pattern.test(of))?.[1] ?? of
    shares.set(name, (shares.get(name) ?? 0) + Number(share))
  }
  const told = [...shares].filter(([, share]) => share >= 1).sort(([, a], [, b]) => b - a)
  return told.length === 0
    ? undefined
    : told.map(([name, share]) => `${name} ${share.toFixed(0)} %`).join(", ")
}
