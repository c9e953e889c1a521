import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { coturnVersion, startCoturn } from "./coturn.ts"
import { freePort, type Target } from "./target.ts"

const FOLDER = resolve(import.meta.dirname, "../.cache/bench/coturn")
const ROOT = `${FOLDER}/root`

/** Of Debian: the newest that it has. */
const SUITE = "sid"

const LOADERS: Readonly<Record<string, string>> = {
  x64: "x86_64-linux-gnu/ld-linux-x86-64.so.2",
  arm64: "aarch64-linux-gnu/ld-linux-aarch64.so.1",
}

/**
 * The newest coturn of Debian with all that it can do in batches: recvmmsg (which is its default), and sendmmsg with
 * UDP_SEGMENT, for which all allocations share one relayed port and are told apart by their peers. It and its libraries
 * are only unpacked, and run by their own loader: nothing of the system changes. What it returns instead says why it
 * cannot be had.
 */
export async function tunedCoturn(): Promise<Target | string> {
  const loader = LOADERS[process.arch]
  if (loader === undefined) return `Debian's packages of ${process.arch} are not known here`
  const problem = existsSync(ROOT) ? undefined : unpack()
  if (problem !== undefined) return problem
  const libraries = `${ROOT}/usr/lib/${loader}`
  const folder = libraries.slice(0, libraries.lastIndexOf("/"))
  const command = [libraries, "--library-path", folder, `${ROOT}/usr/bin/turnserver`] as const
  const port = await freePort()
  const batches = ["--udp-recvmmsg", "--udp-gso", "--multiplex-peer", `--multiplex-peer-port=${port}`]
  try {
    return await startCoturn(`tuned coturn ${coturnVersion(...command) ?? "?"}`, [...command, ...batches])
  } catch (error) {
    return String(error)
  }
}

/** Lets apt find and fetch the packages into folders of their own; returns why not. */
function unpack(): string | undefined {
  const archive = debianArchive()
  if (archive === undefined) return "apt knows no Debian archive here"
  rmSync(FOLDER, { recursive: true, force: true })
  for (const each of ["lists/partial", "archives/partial", "unpacked"])
    mkdirSync(`${FOLDER}/${each}`, { recursive: true })
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
  writeFileSync(`${FOLDER}/sources.list`, `deb [signed-by=${keys}] ${archive} ${SUITE} main\n`)
  writeFileSync(`${FOLDER}/status`, "")
  writeFileSync(`${FOLDER}/apt.conf`, aptSettings())
  const env = { ...process.env, APT_CONFIG: `${FOLDER}/apt.conf` }
  const run = (command: string, ...args: readonly string[]): string | undefined => {
    const { error, status, stderr } = spawnSync(command, args, { env, encoding: "utf8", timeout: 120_000 })
    return error === undefined && status === 0 ? undefined : `${command}: ${error?.message ?? stderr}`
  }
  const problem = run("apt-get", "update") ?? run("apt-get", "install", "--download-only", "--yes", "coturn")
  if (problem !== undefined) return problem
  for (const file of readdirSync(`${FOLDER}/archives`).filter(name => name.endsWith(".deb"))) {
    const problem = run("dpkg", "-x", `${FOLDER}/archives/${file}`, `${FOLDER}/unpacked`)
    if (problem !== undefined) return problem
  }
  for (const each of ["lists", "archives"]) rmSync(`${FOLDER}/${each}`, { recursive: true })
  renameSync(`${FOLDER}/unpacked`, ROOT)
  return undefined
}

/** Where this system gets its own packages from. */
function debianArchive(): string | undefined {
  if (!existsSync("/etc/os-release")) return undefined
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1]
  const format = "$(ORIGIN) $(CODENAME) $(REPO_URI)"
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", format], { encoding: "utf8" })
  const lines = (stdout ?? "").split("\n").map(line => line.split(" "))
  return lines.find(([origin, codename]) => origin === "Debian" && codename === release)?.[2]
}

/** apt.conf(5). */
function aptSettings(): string {
  const settings = {
    "Dir::State": FOLDER,
    "Dir::State::lists": `${FOLDER}/lists`,
    "Dir::State::status": `${FOLDER}/status`,
    "Dir::Cache": FOLDER,
    "Dir::Etc::sourcelist": `${FOLDER}/sources.list`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "APT::Install-Recommends": "false",
    // The system's own lists and locks are none of this, nor need its user for downloads reach this folder.
    "Debug::NoLocking": "true",
    "APT::Sandbox::User": "root",
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} "${value}";\n`)
    .join("")
}
