import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { IceRole } from "../packages/webrtc/src/ice/index.ts"
import type { Check, Found } from "./check.ts"
import { type BrowserName, BrowserPeer, executableOf, openBrowser } from "./ice/browser.ts"
import { type Description, OurAgent } from "./ice/our-agent.ts"
import { ProgramPeer } from "./ice/program.ts"

const PEERS = resolve(import.meta.dirname, "ice/peers")
/** How long two agents on one machine may take to find each other, ms. */
const PATIENCE = 15_000
/** How long somebody else's program may take to build or install, ms. */
const BUILD_PATIENCE = 300_000

/** What the other agent is, whatever it is written in. */
interface Peer {
  describe(remote?: Description): Promise<Description>
  accept(remote: Description): void
  readonly connected: Promise<unknown>
  close(): Promise<void> | void
}

/** How to get a program of somebody else, or why it cannot be had. */
type Build = (
  folder: string,
) => { readonly command: readonly string[]; readonly version: string } | { readonly missing: string }

const BUILDS: readonly (readonly [name: string, build: Build])[] = [
  ["pion/ice", buildPion],
  ["aioice", installAioice],
  ["libnice", buildLibnice],
  ["str0m", buildStr0m],
]

/** Our ICE agent with those of others, on this machine's addresses: either end controlling, and us as ICE-lite. */
export async function ice(): Promise<Found> {
  const checks: Check[] = []
  const notTried: string[] = []
  const folder = mkdtempSync(join(tmpdir(), "tightbeam-ice-"))
  try {
    for (const [name, build] of BUILDS) {
      const built = build(folder)
      if ("missing" in built) notTried.push(`${name}: ${built.missing}`)
      else checks.push(...(await tryProgram(`${name} ${built.version}`, built.command)))
    }
    for (const name of ["chrome", "firefox"] as const) {
      if (existsSync(executableOf(name))) {
        checks.push(
          ...(await tryBrowser(name, false, CASES)),
          ...(await tryBrowser(name, true, HIDDEN_CASES)),
        )
      } else notTried.push(`${name}: ${executableOf(name)} is not there`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { checks, notTried }
}

interface Case {
  readonly what: string
  readonly role: IceRole
  readonly lite?: boolean
}

const CASES: readonly Case[] = [
  { what: "we are controlling", role: "controlling" },
  { what: "we are controlled", role: "controlled" },
  { what: "we are ICE-lite", role: "controlled", lite: true },
]

/** Its host candidates are names that only this network can look up. */
const HIDDEN_CASES: readonly Case[] = [
  { what: "its addresses are hidden, we are controlling", role: "controlling" },
  { what: "its addresses are hidden, we are controlled", role: "controlled" },
]

async function tryProgram(peer: string, command: readonly string[]): Promise<readonly Check[]> {
  const checks: Check[] = []
  for (const each of CASES) {
    const theirs = new ProgramPeer(command, opposite(each.role))
    const say = async (ours: OurAgent) => {
      ours.send(new TextEncoder().encode("hello"))
      await ours.hear(data => new TextDecoder().decode(data) === "echo: hello")
    }
    checks.push(await tryOne(peer, each, theirs, say))
  }
  return checks
}

async function tryBrowser(
  name: BrowserName,
  hidesAddresses: boolean,
  cases: readonly Case[],
): Promise<readonly Check[]> {
  const browser = await openBrowser(name, hidesAddresses)
  const { page, version } = browser
  const checks: Check[] = []
  try {
    for (const each of cases) {
      // What a page hid goes out of use as its connection closes.
      await page.reload()
      // A handshake's first byte (RFC 7983 §7): the page's DTLS found its way.
      const hear = async (ours: OurAgent) => void (await ours.hear(data => data[0] === 22))
      checks.push(await tryOne(version, each, new BrowserPeer(page, opposite(each.role)), hear))
    }
  } finally {
    await browser.close()
  }
  return checks
}

async function tryOne(
  peer: string,
  { what, role, lite = false }: Case,
  theirs: Peer,
  speak: (ours: OurAgent) => Promise<void>,
): Promise<Check> {
  const ours = new OurAgent(role, { lite })
  const row = { suite: "ice", peer, case: "udp", what }
  try {
    const local = await within("we gather", ours.describe())
    // Who is controlled may have to hear the offer before it can say anything.
    const remote = await within(
      "it describes itself",
      theirs.describe(role === "controlling" ? local : undefined),
    )
    theirs.accept(local)
    ours.accept(remote)
    await within("we connect", ours.connected)
    await within("it connects", theirs.connected)
    await within("data arrives", speak(ours))
    await within("names are looked up", ours.told)
    return { ...row, passed: true }
  } catch (error) {
    return { ...row, passed: false, why: error instanceof Error ? error.message : String(error) }
  } finally {
    await ours.close()
    await theirs.close()
  }
}

function opposite(role: IceRole): IceRole {
  return role === "controlling" ? "controlled" : "controlling"
}

async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${PATIENCE} ms`)), PATIENCE)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function buildPion(folder: string): ReturnType<Build> {
  const at = join(PEERS, "pion-ice")
  const program = join(folder, "pion-ice")
  const built = tool("go", ["build", "-o", program, "."], at)
  if (built !== undefined) return { missing: built }
  const version = spawnSync("go", ["list", "-m", "-f", "{{.Version}}", "github.com/pion/ice/v4"], { cwd: at })
  return { command: [program], version: version.stdout.toString().trim() }
}

function installAioice(folder: string): ReturnType<Build> {
  const at = join(folder, "aioice")
  const version = "0.13.0"
  const failed =
    tool("python3", ["-m", "venv", at]) ??
    tool(join(at, "bin/pip"), [
      "install",
      "--quiet",
      `aioice==${version}`,
      "dnspython==2.9.2",
      "ifaddr==0.2.0",
    ])
  if (failed !== undefined) return { missing: failed }
  return { command: [join(at, "bin/python"), join(PEERS, "aioice-peer.py")], version }
}

function buildLibnice(folder: string): ReturnType<Build> {
  const flags = spawnSync("pkg-config", ["--cflags", "--libs", "nice"])
  if (flags.status !== 0)
    return { missing: "its headers are not installed (Debian: apt-get install libnice-dev pkg-config)" }
  const program = join(folder, "libnice-peer")
  const failed = tool("cc", [
    "-o",
    program,
    join(PEERS, "libnice-peer.c"),
    ...flags.stdout.toString().trim().split(/\s+/),
  ])
  if (failed !== undefined) return { missing: failed }
  const version = spawnSync("pkg-config", ["--modversion", "nice"])
  return { command: [program], version: version.stdout.toString().trim() }
}

function buildStr0m(folder: string): ReturnType<Build> {
  const failed = tool(
    "cargo",
    ["build", "--release", "--locked", "--target-dir", folder],
    join(PEERS, "str0m"),
  )
  if (failed !== undefined) return { missing: failed }
  return { command: [join(folder, "release/str0m-peer")], version: "is 0.11.1" }
}

/** Why a tool failed; `undefined` when it did not. */
function tool(program: string, args: readonly string[], cwd?: string): string | undefined {
  const { error, status, stderr } = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    timeout: BUILD_PATIENCE,
  })
  if (error !== undefined) return `${program}: ${error.message}`
  if (status === 0) return undefined
  return `${program} ended with ${status}: ${stderr.toString().trim().split("\n").at(-1) ?? ""}`
}
