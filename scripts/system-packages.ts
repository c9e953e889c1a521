/** What the tests need from the system, and how it gets there. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"

interface Tool {
  /** What the tests run. */
  readonly command: string
  /** Debian's package that has it. */
  readonly debian: string
  readonly for: string
}

const tools: readonly Tool[] = [
  { command: "chromium", debian: "chromium", for: "the calls in a real browser" },
  { command: "firefox-esr", debian: "firefox-esr", for: "the calls between two kinds of browser" },
  { command: "turnutils_uclient", debian: "coturn", for: "a TURN client that is not ours" },
  { command: "ip", debian: "iproute2", for: "a network namespace of the tests' own" },
  { command: "nft", debian: "nftables", for: "networks behind a firewall" },
]

const FONT = { file: "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", debian: "fonts-dejavu-core" }

function has(command: string): boolean {
  return (process.env.PATH ?? "")
    .split(":")
    .concat("/usr/sbin", "/sbin")
    .some(folder => existsSync(`${folder}/${command}`))
}

/** Installs what is missing where that can be done without asking; returns the tools that are still missing. */
export function ensureSystemPackages(): readonly Tool[] {
  const missing = tools.filter(tool => !has(tool.command))
  if (missing.length === 0) return []
  const packages = missing.map(tool => tool.debian)
  if (!existsSync(FONT.file)) packages.push(FONT.debian)
  const install = ["install", "-y", "--no-install-recommends", ...packages]
  const isDebian = existsSync("/etc/debian_version")
  if (isDebian && process.getuid?.() === 0) {
    console.log(`Installing what the tests need from Debian: ${packages.join(" ")}`)
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    spawnSync("apt-get", ["update", "-qq"], { stdio: ["ignore", "ignore", "inherit"], env })
    spawnSync("apt-get", ["-qq", ...install], { stdio: ["ignore", "ignore", "inherit"], env })
  } else {
    const how = isDebian
      ? `sudo apt-get ${install.join(" ")}`
      : `install ${packages.join(", ")} (these are Debian's names)`
    console.log(`Some tests need more than npm brings. To have them, run:\n\n    ${how}\n`)
  }
  return tools.filter(tool => !has(tool.command))
}

/** Whether this machine lets us make a network namespace. */
export function canUnshareNetwork(): boolean {
  return has("ip") && spawnSync("unshare", ["--net", "ip", "link", "set", "lo", "up"]).status === 0
}

/** For messages: "Debian GNU/Linux 12 (bookworm)". */
export function systemName(): string {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : ""
  return /^PRETTY_NAME="(.*)"$/m.exec(release)?.[1] ?? process.platform
}
