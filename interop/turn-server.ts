import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { IceServer } from "@tightbeam/client"
import { parseConfig } from "../packages/server/src/config/schema.ts"
import { createLog } from "../packages/server/src/log/index.ts"
import type { Service } from "../packages/server/src/service.ts"
import { start } from "../packages/server/src/start.ts"
import { selfSigned } from "../packages/server/src/tls/self-signed.ts"
import type { Check, Found } from "./check.ts"
import { Coturn, coturnVersion, freePort, PASSWORD, USERNAME } from "./coturn.ts"
import { type Ran, run } from "./tool.ts"

const V4 = "127.0.0.1"
const V6 = "::1"
/** How long one mode may take, ms: most take 2 to 10 s. */
const PATIENCE = 25_000
/** Modes under way at one time: they mostly wait. */
const AT_ONCE = 3

/**
 * The modes of `turnutils_uclient`. Without `-y` data goes to a peer that echoes it, with `-y` from client to client.
 * `breaks`: the tool breaks its own packets at random, and with either server often hangs over it; what counts is that the
 * server serves on.
 */
const MODES: readonly {
  readonly over: "udp" | "tcp" | "tls" | "dtls"
  readonly what: string
  readonly flags: readonly string[]
  readonly breaks?: boolean
}[] = [
  { over: "udp", what: "channels", flags: ["-e", V4] },
  { over: "udp", what: "channels, no RTCP", flags: ["-c", "-e", V4] },
  { over: "udp", what: "channels, client to client", flags: ["-y"] },
  { over: "udp", what: "channels, client to client, no RTCP", flags: ["-y", "-c"] },
  { over: "udp", what: "indications", flags: ["-s", "-e", V4] },
  { over: "udp", what: "indications, client to client", flags: ["-s", "-y"] },
  { over: "udp", what: "IPv4 asked for", flags: ["-X", "-e", V4] },
  { over: "udp", what: "IPv6", flags: ["-x", "-e", V6] },
  { over: "udp", what: "IPv6, client to client", flags: ["-x", "-y"] },
  { over: "udp", what: "IPv6, indications", flags: ["-x", "-s", "-e", V6] },
  { over: "udp", what: "dual allocation", flags: ["-Z", "-e", V4] },
  { over: "udp", what: "dual allocation, IPv6 peer", flags: ["-Z", "-e", V6] },
  { over: "udp", what: "dual allocation, client to client", flags: ["-Z", "-y"] },
  { over: "udp", what: "DONT-FRAGMENT", flags: ["-g", "-e", V4] },
  { over: "udp", what: "DONT-FRAGMENT, indications", flags: ["-g", "-s", "-e", V4] },
  { over: "udp", what: "DONT-FRAGMENT, IPv6, indications", flags: ["-g", "-x", "-s", "-e", V6] },
  { over: "udp", what: "padded channels", flags: ["-D", "-e", V4] },
  { over: "udp", what: "many requests", flags: ["-G", "-e", V4] },
  { over: "udp", what: "no permissions asked for, client to client", flags: ["-I", "-y"] },
  { over: "udp", what: "clients that vanish", flags: ["-B", "-e", V4] },
  { over: "udp", what: "bandwidth asked for", flags: ["-a", "100000", "-e", V4] },
  { over: "udp", what: "ten clients, 1,000 bytes", flags: ["-m", "10", "-l", "1000", "-e", V4] },
  { over: "udp", what: "negative tests", flags: ["-N", "-y"], breaks: true },
  { over: "udp", what: "negative protocol tests", flags: ["-R", "-e", V4], breaks: true },
  { over: "udp", what: "both negative tests", flags: ["-N", "-R", "-n", "2", "-e", V4], breaks: true },
  { over: "udp", what: "mobility", flags: ["-M", "-e", V4] },
  { over: "udp", what: "mobility, client to client", flags: ["-M", "-y"] },
  { over: "udp", what: "mobility, indications", flags: ["-M", "-s", "-e", V4] },
  { over: "udp", what: "mobility, dual allocation", flags: ["-M", "-Z", "-e", V4] },
  { over: "tcp", what: "channels", flags: ["-e", V4] },
  { over: "tcp", what: "channels, client to client", flags: ["-y"] },
  { over: "tcp", what: "indications", flags: ["-s", "-e", V4] },
  { over: "tcp", what: "IPv6, client to client", flags: ["-x", "-y"] },
  { over: "tcp", what: "dual allocation", flags: ["-Z", "-e", V4] },
  { over: "tcp", what: "negative tests", flags: ["-N", "-y"], breaks: true },
  { over: "tcp", what: "negative protocol tests", flags: ["-R", "-e", V4], breaks: true },
  { over: "tcp", what: "mobility", flags: ["-M", "-e", V4] },
  { over: "tcp", what: "TCP allocations", flags: ["-T"] },
  { over: "tcp", what: "TCP allocations, ten clients, 1,000 bytes", flags: ["-T", "-m", "10", "-l", "1000"] },
  { over: "tcp", what: "TCP allocations, IPv6", flags: ["-T", "-x"] },
  { over: "tcp", what: "TCP allocations, passive", flags: ["-P"] },
  { over: "tls", what: "channels", flags: ["-e", V4] },
  { over: "tls", what: "channels, client to client", flags: ["-y"] },
  { over: "tls", what: "indications", flags: ["-s", "-e", V4] },
  { over: "tls", what: "IPv6, client to client", flags: ["-x", "-y"] },
  { over: "tls", what: "dual allocation", flags: ["-Z", "-e", V4] },
  { over: "tls", what: "TCP allocations", flags: ["-T"] },
  { over: "dtls", what: "channels", flags: ["-e", V4] },
  { over: "dtls", what: "channels, ten clients, 1,000 bytes", flags: ["-m", "10", "-l", "1000", "-e", V4] },
  { over: "dtls", what: "channels, client to client", flags: ["-y"] },
  { over: "dtls", what: "indications", flags: ["-s", "-e", V4] },
  { over: "dtls", what: "IPv6, client to client", flags: ["-x", "-y"] },
  { over: "dtls", what: "dual allocation", flags: ["-Z", "-e", V4] },
  { over: "dtls", what: "mobility", flags: ["-M", "-e", V4] },
]

const FLAGS_OVER = { udp: [], tcp: ["-t"], tls: ["-t", "-S"], dtls: ["-S"] } as const

/** A server that is tried, and what it takes. */
interface Server {
  readonly ports: Readonly<Record<keyof typeof FLAGS_OVER, number>>
  readonly username: string
  readonly password: string
  stop(): Promise<void>
}

/** coturn's client in every mode, with coturn and with us. What coturn's own server does not pass is not asked of us. */
export async function turnServer(): Promise<Found> {
  const version = coturnVersion()
  if (version === undefined) return { missing: "coturn is not installed (Debian: apt-get install coturn)" }
  const folder = mkdtempSync(join(tmpdir(), "tightbeam-interop-"))
  const echoPort = await freePort()
  const echo = spawn("turnutils_peer", ["-L", V4, "-L", V6, "-p", `${echoPort}`], { stdio: "ignore" })
  try {
    const theirs = await tryAll(await startCoturn(folder), echoPort)
    const ours = await tryAll(await startOurs(folder), echoPort)
    const row = { suite: "turn-server", peer: `turnutils_uclient ${version}` }
    const checks = MODES.map(({ over, what, flags }, i): Check => {
      const why = ours[i]
      const shown = `${what} (${[...FLAGS_OVER[over], ...flags].join(" ")})`
      const reference = theirs[i] === undefined
      return { ...row, case: over, what: shown, passed: why === undefined, reference, ...(why && { why }) }
    })
    return { checks }
  } finally {
    await end(echo)
    rmSync(folder, { recursive: true })
  }
}

async function startCoturn(folder: string): Promise<Server> {
  const { cert, key } = selfSigned([V4], new Date(), 2)
  const files = { cert: join(folder, "cert.pem"), pkey: join(folder, "key.pem") }
  writeFileSync(files.cert, cert)
  writeFileSync(files.pkey, key)
  const tlsPort = await freePort()
  const tls = [`--cert=${files.cert}`, `--pkey=${files.pkey}`, `--tls-listening-port=${tlsPort}`]
  const coturn = await Coturn.start("-L", V6, "-E", V6, "--mobility", ...tls)
  return {
    ports: { udp: coturn.port, tcp: coturn.port, tls: tlsPort, dtls: tlsPort },
    username: USERNAME,
    password: PASSWORD,
    stop: () => coturn.stop(),
  }
}

async function startOurs(folder: string): Promise<Server> {
  let iceServers = (): readonly IceServer[] => []
  const service: Service = {
    name: "credentials",
    start: app => (iceServers = () => app.iceServers("interop", "uclient").iceServers),
    drain: async () => {},
    close: () => {},
  }
  const config = parseConfig({
    http: { address: V4, port: 0 },
    turn: {
      address: V4,
      port: 0,
      announceV6: V6,
      // 0.0.0.1 is what ::1 is judged by.
      allowPeers: ["127.0.0.0/8", "0.0.0.1"],
      // What came before RFC 8656: uclient's channels begin beyond its range.
      channelNumbers: "rfc5766",
      mobility: true,
      tcpPeers: true,
      dtls: true,
    },
    data: join(folder, "data"),
  })
  const log = createLog({ level: "error", form: "json", write: line => console.error(line) })
  const running = await start(config, { log, services: [service] })
  const { username = "", credential = "" } = iceServers()[1]!
  const { httpPort, turnPort = 0 } = running
  return {
    ports: { udp: turnPort, tcp: httpPort, tls: httpPort, dtls: turnPort },
    username,
    password: credential,
    stop: () => running.close(),
  }
}

/** Of each mode what was wrong, or `undefined`. Stops the server. */
async function tryAll(server: Server, echoPort: number): Promise<readonly (string | undefined)[]> {
  const outcomes: (string | undefined)[] = []
  const waiting = [...MODES.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, { over, flags, breaks }] = next
      const who = ["-u", server.username, "-w", server.password]
      const where = ["-p", `${server.ports[over]}`, "-r", `${echoPort}`]
      const tool = (mode: readonly string[]): Promise<Ran> =>
        run("turnutils_uclient", [...who, ...where, ...FLAGS_OVER[over], ...mode, V4], PATIENCE)
      const ran = await tool(flags)
      outcomes[i] = wrongWith(breaks ? await tool(["-y"]) : ran)
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  } finally {
    await server.stop()
  }
  return outcomes
}

function wrongWith({ code, output }: Ran): string | undefined {
  if (code === null) return "no end"
  if (code !== 0) return `exit code ${code}${lastLineOf(output)}`
  const [sent, received] = ["tot_send_msgs", "tot_recv_msgs"].map(name => lastCount(output, name))
  if (sent === undefined || received === undefined) return "no count of messages"
  return sent > 0 && sent === received ? undefined : `${received} of ${sent} messages came back`
}

function lastCount(output: string, name: string): number | undefined {
  const counts = [...output.matchAll(new RegExp(`${name}=(\\d+)`, "g"))]
  return counts.length === 0 ? undefined : Number(counts.at(-1)![1])
}

/** What it said in the end. */
function lastLineOf(output: string): string {
  const line =
    output
      .trimEnd()
      .split("\n")
      .at(-1)
      ?.replace(/^[\d: ]+/, "")
      .trim() ?? ""
  return line === "" ? "" : `, "${line}"`
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, "exit")
}
