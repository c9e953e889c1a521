import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { timeLimitedCredentials } from "@tightbeam/webrtc/turn"
import { Child } from "./child.ts"
import { type TurnTarget, turnTarget } from "./target.ts"

const CLI = resolve(import.meta.dirname, "../packages/server/src/cli/main.ts")

/** Participants of one room: more of them than hold all allocations that a benchmark needs. */
const USERS = 50

interface Tightbeam {
  readonly child: Child
  readonly httpPort: number
  readonly turnPort: number
  /** Where it keeps its secrets. */
  readonly data: string
  readonly stop: () => Promise<void>
}

/** `tightbeam up` on free ports of the loopback, with these flags besides. */
export async function tightbeamUp(...flags: readonly string[]): Promise<Tightbeam> {
  const data = await mkdtemp(join(tmpdir(), "tightbeam-bench-"))
  const at = ["--http.address=127.0.0.1", "--turn.address=127.0.0.1", "--turn.announce=127.0.0.1"]
  const free = [`--data=${data}`, "--http.port=0", "--turn.port=0"]
  const node = [process.execPath, "--conditions=@tightbeam/source", CLI] as const
  const child = Child.start(...node, "up", ...free, ...at, ...flags)
  const stop = async () => {
    await child.stop()
    await rm(data, { recursive: true, force: true })
  }
  try {
    const [, httpPort] = await child.printed(/http:\/\/localhost:(\d+)/)
    const [, turnPort] = await child.printed(/STUN, TURN +UDP \S+ port (\d+)/)
    return { child, httpPort: Number(httpPort), turnPort: Number(turnPort), data, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Our relay. */
export async function tightbeam(...flags: readonly string[]): Promise<TurnTarget> {
  const up = await tightbeamUp(
    "--turn.allowPeers=127.0.0.0/8",
    // All clients are in one room here.
    "--turn.quotas.allocationsPerRoom=10000",
    "--turn.quotas.strangersBytesPerSecond=1000000000",
    "--turn.quotas.strangersBurst=1000000000",
    // None that coturn relays on, which keeps ports of its own for some time when they are free again.
    "--turn.relayPorts.min=10000",
    "--turn.relayPorts.max=32767",
    ...flags,
  )
  const secret = Buffer.from(readFileSync(join(up.data, "turn.secret"), "utf8").trim(), "base64url")
  const expiry = Math.floor(Date.now() / 1000) + 24 * 3600
  const users = Array.from({ length: USERS }, (_, i) =>
    timeLimitedCredentials({ crypto: nodeCrypto, secret, room: "bench", participant: `p${i}`, expiry }),
  )
  return { ...turnTarget("tightbeam", up.child, up.turnPort, users), stop: up.stop }
}
