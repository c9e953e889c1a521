import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { attempt } from "../tool.ts"

/** How long apt may take for one step, ms. */
const PATIENCE = 200_000

/**
 * Development packages of Debian's unstable, with all that they need, unpacked in a folder of ours: nothing of the system's
 * is touched. They are fetched once: without the folder they come anew. What `cc` must be told to build with them, or why they cannot be had.
 */
export async function unpackUnstable(
  packages: readonly string[],
  folder: string,
): Promise<
  | { readonly flags: readonly string[]; readonly versions: ReadonlyMap<string, string> }
  | { readonly missing: string }
> {
  const root = join(folder, "unstable")
  const apt = (name: string) => join(folder, "apt", name)
  const archives = apt("cache/archives")
  const unpacked = join(folder, "unstable-is-whole")
  if (!existsSync(unpacked)) {
    const missing = await fetch(packages, apt)
    if (missing !== undefined) return { missing }
    for (const archive of archivesIn(archives)) {
      const failed = await attempt("dpkg-deb", ["--extract", join(archives, archive), root], PATIENCE)
      if (failed !== undefined) return { missing: failed }
    }
    writeFileSync(unpacked, "")
  }
  const versions = new Map(archivesIn(archives).map(name => name.split("_") as [string, string]))
  return { flags: flagsOf(root), versions }
}

/** Why they cannot be had; `undefined` where they are there. */
async function fetch(
  packages: readonly string[],
  apt: (name: string) => string,
): Promise<string | undefined> {
  const mirror = findMirror()
  if (mirror === undefined) return "this is no Debian: its sources are not known"
  for (const each of ["lists/partial", "cache/archives/partial"]) mkdirSync(apt(each), { recursive: true })
  writeFileSync(apt("sources.list"), `deb ${mirror} sid main\n`)
  writeFileSync(apt("status"), "")
  const settings = {
    "Dir::Etc::sourcelist": apt("sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State": apt("."),
    "Dir::State::lists": apt("lists"),
    // An empty one: as if nothing were installed, so all that is needed is fetched.
    "Dir::State::status": apt("status"),
    "Dir::Cache": apt("cache"),
    "Debug::NoLocking": "1",
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`])
  const installing = ["install", "-y", "--download-only", "--no-install-recommends"]
  return (
    (await attempt("apt-get", [...options, "update"], PATIENCE)) ??
    (await attempt("apt-get", [...options, ...installing, ...packages], PATIENCE))
  )
}

function archivesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter(name => name.endsWith(".deb"))
}

/** Programs run on the C library of that folder, which is newer than the system's. */
function flagsOf(root: string): readonly string[] {
  const library = readdirSync(join(root, "usr/lib"))
    .filter(name => name.endsWith("-linux-gnu"))
    .map(name => join(root, "usr/lib", name))[0]!
  const loader = readdirSync(library).find(name => name.startsWith("ld-linux"))!
  return [
    `-I${root}/usr/include`,
    `-L${library}`,
    "-Wl,--allow-shlib-undefined",
    // So that what its libraries need is looked for there, too.
    "-Wl,--disable-new-dtags",
    `-Wl,-rpath,${library}`,
    `-Wl,--dynamic-linker=${join(library, loader)}`,
  ]
}

/** The one that this system installs from. */
function findMirror(): string | undefined {
  const folder = "/etc/apt/sources.list.d"
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8")
    } catch {
      return ""
    }
  }
  const text = [read("/etc/apt/sources.list"), read(join(folder, "debian.sources"))].join("\n")
  return /(?:^URIs: *|^deb +(?:\[[^\]]*\] +)?)(\S+\/debian\/?)(?=\s)/m.exec(text)?.[1]
}
