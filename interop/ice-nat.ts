import { spawn } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { createInterface } from "node:readline"
import type { Check, Found } from "./check.ts"
import { type NatKind, NatNamespaces, PUBLIC_ADDRESS } from "./ice/nat-namespaces.ts"
import type { ServerText } from "./ice/peers/our-peer.ts"
import { ProgramPeer } from "./ice/program.ts"

const HERE = resolve(import.meta.dirname, "ice")
const NODE = [process.execPath, "--conditions=@tightbeam/source"]
/** How long one call may take, ms: gathering where UDP is blocked takes ten seconds. */
const PATIENCE = 25_000

type Outcome = "direct" | "relayed" | "no path"

/** What theory says (RFC 4787, RFC 8445) of every two kinds of NAT, with STUN and TURN over UDP and TCP. */
const CALLS: readonly (readonly [NatKind, NatKind, Outcome])[] = [
  ["full cone", "full cone", "direct"],
  ["full cone", "port restricted", "direct"],
  ["full cone", "symmetric", "direct"],
  ["port restricted", "port restricted", "direct"],
  ["port restricted", "symmetric", "relayed"],
  ["symmetric", "symmetric", "relayed"],
  ["full cone", "UDP blocked", "relayed"],
  ["symmetric", "UDP blocked", "relayed"],
  ["UDP blocked", "UDP blocked", "relayed"],
]

/** Our agent behind the kernel's own NATs, in network namespaces, with our STUN and TURN server between them. */
export async function iceNat(): Promise<Found> {
  const checks: Check[] = []
  for (const [a, b, expected] of CALLS) {
    let networks: NatNamespaces
    try {
      networks = new NatNamespaces([a, b])
    } catch (error) {
      return { missing: `network namespaces with nftables cannot be had: ${messageOf(error)}` }
    }
    const row = { suite: "ice-nat", peer: "Linux's NAT", case: "udp", what: `${a} to ${b}: ${expected}` }
    try {
      const found = await call(networks)
      checks.push({ ...row, passed: found === expected, ...(found === expected ? {} : { why: found }) })
    } catch (error) {
      checks.push({ ...row, passed: false, why: messageOf(error) })
    } finally {
      networks.close()
    }
  }
  return { checks }
}

async function call(networks: NatNamespaces): Promise<Outcome> {
  const [program, ...args] = networks.within("public", [...NODE, `${HERE}/relay-program.ts`, PUBLIC_ADDRESS])
  const relay = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"] })
  try {
    const [line] = (await once(createInterface({ input: relay.stdout }), "line")) as [string]
    const credentials = JSON.parse(line) as { username: string; password: string }
    return await connect(networks, credentials)
  } finally {
    relay.kill("SIGKILL")
  }
}

async function connect(
  networks: NatNamespaces,
  credentials: { readonly username: string; readonly password: string },
): Promise<Outcome> {
  const at = { ip: PUBLIC_ADDRESS, port: 3478 }
  const servers: readonly ServerText[] = [
    { type: "stun", ...at },
    { type: "turn", transport: "udp", ...at, ...credentials },
    { type: "turn", transport: "tcp", ...at, ...credentials },
  ]
  const command = [...NODE, `${HERE}/peers/our-peer.ts`, JSON.stringify(servers)]
  const ada = new ProgramPeer(networks.within("A", command), "controlling")
  const ben = new ProgramPeer(networks.within("B", command), "controlled")
  const timer = setTimeout(() => {
    ada.close()
    ben.close()
  }, PATIENCE)
  try {
    const [hers, his] = await Promise.all([ada.describe(), ben.describe()])
    ada.accept(his)
    ben.accept(hers)
    const pair = (await ada.connected) ?? ""
    return pair.includes("relay") ? "relayed" : "direct"
  } finally {
    clearTimeout(timer)
    ada.close()
    ben.close()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
