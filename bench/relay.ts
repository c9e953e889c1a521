import { type ChildProcess, spawn } from "node:child_process"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { Server } from "../e2e/harness.ts"
import { cpuMs } from "./process.ts"
import { median, type Row, round } from "./row.ts"

/** Where the echo peer stands. */
const PEER_PORT = 3480

interface Target {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly username: string
  readonly password: string
  stop(): Promise<void> | void
}

interface Load {
  readonly name: string
  /** Of turnutils_uclient. */
  readonly args: readonly string[]
  readonly messages: number
}

/**
 * The relay against coturn on the same machine: CPU of the server process per relayed packet, which a noisy
 * neighbour disturbs least. Rounds alternate between the two; the first of each is thrown away.
 */
export async function relay({ quick }: { quick: boolean }): Promise<Row[]> {
  const rounds = quick ? 2 : 8
  const count = quick ? 800 : 5000
  const loads: Load[] = (quick ? [1200] : [160, 1200]).map(bytes => ({
    name: `ChannelData, ${bytes} B, 10 clients`,
    args: ["-c", "-m", "10", "-n", String(count), "-l", String(bytes), "-z", "2"],
    messages: 10 * count,
  }))
  const peer = spawn("turnutils_peer", ["-L", "127.0.0.1", "-p", String(PEER_PORT)], { stdio: "ignore" })
  const targets = [await tightbeam(), await coturn()]
  const rows: Row[] = []
  try {
    for (const load of loads) {
      const cost = new Map<Target, number[]>(targets.map(target => [target, []]))
      const lost = new Map<Target, number>(targets.map(target => [target, 0]))
      for (let round = 0; round <= rounds; round++) {
        for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
          const { microseconds, received } = await measure(target, load)
          if (round === 0) continue
          cost.get(target)!.push(microseconds)
          lost.set(target, lost.get(target)! + load.messages - received)
        }
      }
      const [ours, theirs] = targets.map(target => round(median(cost.get(target)!))) as [number, number]
      const [oursLost, theirsLost] = targets.map(target => lost.get(target)!) as [number, number]
      const common = { suite: "relay", case: load.name, peer: targets[1]!.name }
      rows.push(
        {
          ...common,
          metric: "CPU per relayed packet",
          unit: "µs",
          value: ours,
          peerValue: theirs,
          ratio: round(ours / theirs),
        },
        {
          ...common,
          metric: `messages lost of ${rounds * load.messages}`,
          unit: "messages",
          value: oursLost,
          peerValue: theirsLost,
        },
      )
    }
    return rows
  } finally {
    peer.kill()
    for (const target of targets) await target.stop()
  }
}

async function tightbeam(): Promise<Target> {
  const server = await Server.start(
    "--turn.allowPeers=127.0.0.1/32",
    "--turn.channelNumbers=rfc5766",
    // All clients of all rounds are one user here, and uclient frees its allocations late.
    "--turn.quotas.allocationsPerUser=1000",
  )
  const credentials = server.turnCredentials()
  return {
    name: "tightbeam",
    pid: server.pid,
    port: server.turnPort,
    ...credentials,
    stop: () => server.stop(),
  }
}

async function coturn(): Promise<Target> {
  const port = await freePort()
  const [username, password] = ["user", "pass"]
  const quiet = ["-n", "--no-cli", "--no-tls", "--no-dtls", "--log-file=/dev/null", "--pidfile=/dev/null"]
  const relaying = [
    "-L",
    "127.0.0.1",
    "-E",
    "127.0.0.1",
    `--listening-port=${port}`,
    "--allow-loopback-peers",
    "--relay-threads=1",
  ]
  const auth = ["--lt-cred-mech", "-u", `${username}:${password}`, "-r", "bench.local"]
  const child = spawn("turnserver", [...quiet, ...relaying, ...auth], { stdio: "ignore" })
  await answersBinding(port)
  return { name: "coturn", pid: child.pid!, port, username, password, stop: () => ended(child) }
}

/** One run of the load; µs of the server's CPU for each of the two ways that every message takes. */
async function measure(target: Target, load: Load): Promise<{ microseconds: number; received: number }> {
  const to = ["-p", String(target.port), "-e", "127.0.0.1", "-r", String(PEER_PORT)]
  const who = ["-u", target.username, "-w", target.password]
  const before = cpuMs(target.pid)
  const child = spawn("turnutils_uclient", [...load.args, ...who, ...to, "127.0.0.1"], { timeout: 120_000 })
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
  await once(child, "close")
  const received = Number(/[^]*tot_recv_msgs=(\d+)/.exec(output)?.[1] ?? 0)
  if (received === 0)
    throw new Error(`turnutils_uclient got nothing back from ${target.name}:\n${output.slice(-2000)}`)
  return { microseconds: ((cpuMs(target.pid) - before) * 1000) / (load.messages + received), received }
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1")
  await once(socket, "listening")
  const { port } = socket.address()
  socket.close()
  return port
}

/** Asks until it is answered: the server is up. */
async function answersBinding(port: number): Promise<void> {
  const socket = createSocket("udp4")
  const request = Buffer.from("000100002112a442000000000000000000000000", "hex")
  const asking = setInterval(() => socket.send(request, port, "127.0.0.1"), 50)
  await once(socket, "message", { signal: AbortSignal.timeout(10_000) })
  clearInterval(asking)
  socket.close()
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill()
  await once(child, "exit")
}
