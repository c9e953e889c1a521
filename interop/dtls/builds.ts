import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { attempt } from "../tool.ts"
import { unpackUnstable } from "./debian-unstable.ts"

const PEERS = resolve(import.meta.dirname, "peers")
/** What was fetched and built is kept from run to run. */
const CACHE = resolve(import.meta.dirname, "../../.cache/interop-dtls")
/** How long somebody else's program may take to build, ms. */
const PATIENCE = 400_000

/** A program of somebody else, or why it cannot be had. */
export type Built =
  | { readonly command: readonly string[]; readonly version: string }
  | { readonly missing: string }

export function findOpenssl(): Built {
  const { error, stdout } = spawnSync("openssl", ["version"], { encoding: "utf8" })
  if (error !== undefined) return { missing: error.message }
  const command = [process.execPath, "--conditions=@tightbeam/source", join(PEERS, "openssl-peer.ts")]
  return { command, version: stdout.split(" ")[1] ?? "?" }
}

export async function buildGnutls(): Promise<Built> {
  const { status, stdout } = spawnSync("pkg-config", ["--modversion", "gnutls"], { encoding: "utf8" })
  if (status !== 0)
    return { missing: "its headers are not installed (Debian: apt-get install libgnutls28-dev pkg-config)" }
  const built = await compile("gnutls", ["-lgnutls"])
  return typeof built === "string" ? { missing: built } : { ...built, version: stdout.trim() }
}

export async function buildPion(): Promise<Built> {
  const at = join(PEERS, "pion-dtls")
  const program = join(CACHE, "pion-peer")
  const failed = await attempt("go", ["build", "-C", at, "-o", program, "."], PATIENCE)
  if (failed !== undefined) return { missing: failed }
  const list = ["list", "-C", at, "-m", "-f", "{{.Version}}", "github.com/pion/dtls/v3"]
  return { command: [program], version: spawnSync("go", list).stdout.toString().trim() }
}

export async function buildDimpl(): Promise<Built> {
  const manifest = join(PEERS, "dimpl/Cargo.toml")
  const target = join(CACHE, "dimpl")
  const args = ["build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target]
  const failed = await attempt("cargo", args, PATIENCE)
  if (failed !== undefined) return { missing: failed }
  return { command: [join(target, "release/dimpl-peer")], version: "0.9.0" }
}

export function buildWolfssl(): Promise<Built> {
  return buildOnUnstable("wolfssl", ["-lwolfssl"])
}

export function buildMbedtls(): Promise<Built> {
  return buildOnUnstable("mbedtls", ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"])
}

/** As Debian's unstable has it: the stable one is too old for DTLS 1.3 or connection IDs. */
async function buildOnUnstable(name: string, libraries: readonly string[]): Promise<Built> {
  const unpacked = await unpackUnstable(["libwolfssl-dev", "libmbedtls-dev"], CACHE)
  if ("missing" in unpacked) return unpacked
  const built = await compile(name, [...libraries, ...unpacked.flags])
  const version = unpacked.versions.get(`lib${name}-dev`) ?? "?"
  return typeof built === "string" ? { missing: built } : { ...built, version }
}

async function compile(
  name: string,
  flags: readonly string[],
): Promise<{ readonly command: readonly string[] } | string> {
  mkdirSync(CACHE, { recursive: true })
  const program = join(CACHE, `${name}-peer`)
  const failed = await attempt("cc", ["-o", program, join(PEERS, `${name}-peer.c`), ...flags], PATIENCE)
  return failed ?? { command: [program] }
}
