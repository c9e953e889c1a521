import { type ChildProcess, spawn } from "node:child_process"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { Server } from "../e2e/harness.ts"
import { cpuMs } from "./process.ts"
import { median, type Row, round } from "./row.ts"
import { AUDIO, PACED, type Shape, TurnLoad, VIDEO } from "./turn-load.ts"

interface Target {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly username: string
  readonly password: string
  stop(): Promise<void> | void
}

interface Load {
  readonly clients: number
  readonly shape: Shape
  /** What CPU per packet may cost, in coturn's. */
  readonly goal: number
}

interface Measured {
  readonly microseconds: number
  readonly lost: number
  readonly p50: number
  readonly p99: number
}

const LOADS: readonly Load[] = [1, 10, 50].flatMap(clients => [
  { clients, shape: AUDIO, goal: 1 },
  { clients, shape: VIDEO, goal: 0.4 },
  { clients, shape: PACED, goal: 1 },
])

/** Before anything is measured: both run for days, what compiling costs in the first seconds is not theirs to show. */
const WARM_UP = { clients: 20, seconds: 5 }

/**
 * The relay against coturn on the same machine: CPU of the server process per relayed packet, which a noisy
 * neighbour disturbs least, loss, and how long a packet is under way. Rounds alternate between the two.
 */
export async function relay({ quick }: { quick: boolean }): Promise<Row[]> {
  const rounds = quick ? 1 : 5
  const seconds = quick ? 2 : 4
  const loads = quick ? LOADS.filter(({ clients }) => clients === 10) : LOADS
  const targets = [await tightbeam(), await coturn()]
  const rows: Row[] = []
  try {
    for (const target of targets) await measure(target, { ...WARM_UP, shape: VIDEO }, WARM_UP.seconds)
    for (const load of loads) {
      const measured = new Map<Target, Measured[]>(targets.map(target => [target, []]))
      for (let round = 0; round < rounds; round++)
        for (const target of round % 2 === 0 ? targets : targets.toReversed())
          measured.get(target)!.push(await measure(target, load, seconds))
      rows.push(...rowsOf(load, targets, measured))
    }
    return rows
  } finally {
    for (const target of targets) await target.stop()
  }
}

function rowsOf(
  { clients, shape, goal }: Load,
  targets: readonly Target[],
  measured: ReadonlyMap<Target, readonly Measured[]>,
): Row[] {
  const row = (metric: string, unit: string, pick: (each: Measured) => number, most?: number): Row => {
    const [value, peerValue] = targets.map(target => round(median(measured.get(target)!.map(pick)))) as [
      number,
      number,
    ]
    const ratio = round(value / peerValue)
    return {
      suite: "relay",
      case: `${clients} × ${shape.name}`,
      metric,
      unit,
      value,
      peer: targets[1]!.name,
      peerValue,
      ...(peerValue > 0 && { ratio }),
      ...(most !== undefined && { goal: most, met: ratio <= most }),
    }
  }
  return [
    row("CPU per relayed packet", "µs", each => each.microseconds, goal),
    row("lost", "%", each => each.lost),
    row("latency p50", "ms", each => each.p50),
    row("latency p99", "ms", each => each.p99, 1),
  ]
}

async function tightbeam(): Promise<Target> {
  const server = await Server.start(
    "--turn.allowPeers=127.0.0.1/32",
    // All clients are one user here.
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

/** One run of the load on allocations of its own. */
async function measure(
  target: Target,
  { clients, shape }: Pick<Load, "clients" | "shape">,
  seconds: number,
): Promise<Measured> {
  const load = await TurnLoad.open(target, clients)
  try {
    load.run(shape, 0.5)
    const before = cpuMs(target.pid)
    const { sent, received, latencies } = load.run(shape, seconds)
    if (received === 0) throw new Error(`Nothing came back from ${target.name}.`)
    return {
      microseconds: ((cpuMs(target.pid) - before) * 1000) / received,
      lost: (100 * (sent - received)) / sent,
      p50: latencies[Math.floor(received * 0.5)]!,
      p99: latencies[Math.floor(received * 0.99)]!,
    }
  } finally {
    await load.close()
  }
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
