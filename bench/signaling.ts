import { resolve } from "node:path"
import { setTimeout as pass } from "node:timers/promises"
import { candidateTo, Talker } from "../e2e/talker.ts"
import { issueToken } from "../packages/server/src/signaling/tokens.ts"
import { Child } from "./child.ts"
import { cpuMs, residentBytes } from "./process.ts"
import { median, type Row, round } from "./row.ts"
import type { Options } from "./suite.ts"
import { tightbeamUp } from "./tightbeam.ts"

/** Sockets of one address: each address of the loopback is another client to the server. */
const PER_ADDRESS = 200

/** The promise: what our messages and connections may cost, in those of a bare `ws`. */
const MESSAGE_GOAL = 1.5
const MEMORY_GOAL = 2

/** Messages a second, of all talkers together: each stays within what one client may say. */
const RATE = 8000

/** Connections before those whose memory is measured. */
const FIRST = 1000

/** Seconds of each load before anything is measured. */
const WARM_UP = 4

const SECRET = "a secret of the benchmark, of 32 characters or more"

interface Target {
  readonly pid: number
  readonly url: string
  /** Brings a socket as far as it gets by itself; in pairs, of which each is told the other. */
  enter(talker: Talker, index: number): Promise<void>
  stop(): Promise<void>
}

/**
 * Signaling against a bare `ws` that echoes, in the same run: what a message and a connection cost the server's
 * process. Every socket of ours has joined a room, and what it sends is parsed, checked, numbered, ordered by the bus
 * and acknowledged; the peer's sockets do nothing but send back the same bytes.
 */
export async function signaling({ quick }: Options): Promise<Row[]> {
  const rounds = quick ? 1 : 5
  const idle = quick ? 1000 : 4000
  const seconds = quick ? 2 : 5
  const results: [Measured[], Measured[]] = [[], []]
  for (let i = 0; i <= rounds; i++) {
    const order = i % 2 === 0 ? [0, 1] : [1, 0]
    for (const which of order) {
      const target = await [tightbeam, echo][which]!()
      try {
        const measured = await measure(target, { idle, seconds })
        // The first round warms the files and the load generator up.
        if (i > 0) results[which]!.push(measured)
      } finally {
        await target.stop()
      }
    }
  }
  const of = (which: 0 | 1, pick: (measured: Measured) => number): number =>
    round(median(results[which].map(pick)))
  const row = (
    name: string,
    metric: string,
    unit: string,
    pick: (measured: Measured) => number,
    goal?: number,
  ): Row => {
    const [value, peerValue] = [of(0, pick), of(1, pick)]
    const ratio = round(value / peerValue)
    return {
      suite: "signaling",
      case: name,
      metric,
      unit,
      value,
      peer: "bare ws",
      peerValue,
      ratio,
      ...(goal !== undefined && { goal, met: ratio <= goal }),
    }
  }
  return [
    row(`${idle} sockets`, "connections (ours: joined)", "/s", each => each.connectionsPerSecond),
    row(`${idle} sockets`, "memory per idle connection", "KiB", each => each.kilobytes, MEMORY_GOAL),
    row("ping, 8,000/s", "CPU per message", "µs", each => each.ping.microseconds, MESSAGE_GOAL),
    row(
      "candidate to another, 8,000/s",
      "CPU per message",
      "µs",
      each => each.relay.microseconds,
      MESSAGE_GOAL,
    ),
    row("candidate to another, 8,000/s", "latency p50", "ms", each => each.relay.p50),
    row("candidate to another, 8,000/s", "latency p99", "ms", each => each.relay.p99),
    row("ping, as fast as it answers", "echoes", "/s", each => each.echoesPerSecond),
  ]
}

interface Measured {
  readonly connectionsPerSecond: number
  readonly kilobytes: number
  readonly ping: Cost
  readonly relay: Cost
  readonly echoesPerSecond: number
}

interface Cost {
  /** Of the server's CPU for a message that came and the one that went out for it. */
  readonly microseconds: number
  readonly p50: number
  readonly p99: number
}

async function measure(
  target: Target,
  { idle, seconds }: { idle: number; seconds: number },
): Promise<Measured> {
  const talkers: Talker[] = []
  const connect = async (count: number): Promise<void> => {
    for (const end = talkers.length + count; talkers.length < end; ) {
      const next = Array.from(
        { length: 50 },
        (_, i) => new Talker(target.url, `127.0.1.${1 + Math.floor((talkers.length + i) / PER_ADDRESS)}`),
      )
      await Promise.all(next.map((talker, i) => target.enter(talker, talkers.length + i)))
      talkers.push(...next)
    }
  }
  const sayPing = (talker: Talker) => talker.say({ type: "ping", id: 1 })
  const sayCandidate = (talker: Talker) => talker.say(candidateTo(talker.partner))
  // Both servers run for days: what compiling their code costs in the first seconds is not theirs to show, nor is the
  // space for short-lived objects, which grows once, what a connection needs.
  await connect(FIRST)
  const active = talkers.slice(0, 200)
  await load(target, active, WARM_UP, sayPing)
  await load(target, active, WARM_UP, sayCandidate)
  await pass(1000)
  const before = residentBytes(target.pid)
  const started = performance.now()
  await connect(idle)
  const connectionsPerSecond = (idle / (performance.now() - started)) * 1000
  await pass(1000)
  const kilobytes = (residentBytes(target.pid) - before) / 1024 / idle
  const ping = await load(target, active, seconds, sayPing)
  const relay = await load(target, active, seconds, sayCandidate)
  const echoesPerSecond = await closedLoop(talkers.slice(0, 1000), seconds)
  for (const talker of talkers) talker.end()
  return { connectionsPerSecond, kilobytes, ping, relay, echoesPerSecond }
}

/** RATE messages a second for so long, spread over the talkers. */
async function load(
  target: Target,
  talkers: readonly Talker[],
  seconds: number,
  act: (talker: Talker) => void,
): Promise<Cost> {
  for (const talker of talkers) {
    talker.answers = 0
    talker.latencies = []
  }
  const before = cpuMs(target.pid)
  const started = performance.now()
  const total = RATE * seconds
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * RATE))
    for (; sent < due; sent++) act(talkers[sent % talkers.length]!)
    await pass(1)
  }
  const answered = () => talkers.reduce((sum, { answers }) => sum + answers, 0)
  const end = performance.now() + 20_000
  while (answered() < total) {
    if (performance.now() > end) throw new Error(`${answered()} of ${total} messages were answered.`)
    await pass(10)
  }
  const latencies = talkers.flatMap(({ latencies }) => latencies).sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
  return { microseconds: ((cpuMs(target.pid) - before) * 1000) / total, p50: at(0.5), p99: at(0.99) }
}

/** Each says the next as soon as the one before is answered. */
async function closedLoop(talkers: readonly Talker[], seconds: number): Promise<number> {
  let echoes = 0
  const again = (talker: Talker) => talker.say({ type: "ping", id: 1 })
  for (const talker of talkers) {
    talker.onAnswer = () => {
      echoes++
      again(talker)
    }
    again(talker)
  }
  const started = performance.now()
  await pass(seconds * 1000)
  const rate = (echoes / (performance.now() - started)) * 1000
  for (const talker of talkers) talker.onAnswer = () => {}
  return rate
}

/** All load comes from one address here. */
const UNLIMITED = [
  "connections",
  "connectionsPerAddress",
  "connectBurst",
  "signalingPerAddress",
  "requestBurst",
  "joinBurst",
  "messagesPerSecond",
].map(name => `--limits.${name}=1000000`)

async function tightbeam(): Promise<Target> {
  const { child, httpPort, stop } = await tightbeamUp(`--access.secret=${SECRET}`, ...UNLIMITED)
  const secret = new TextEncoder().encode(SECRET)
  const waiting = new Map<string, Talker>()
  return {
    pid: child.pid,
    url: `ws://127.0.0.1:${httpPort}/signal`,
    async enter(talker, index) {
      const room = `room-${index >> 1}`
      await talker.join(room, await issueToken({ room, ttl: 600 }, secret))
      const other = waiting.get(room)
      waiting.set(room, talker)
      if (other !== undefined) talker.meet(other)
    },
    stop,
  }
}

async function echo(): Promise<Target> {
  const child = Child.start(process.execPath, resolve(import.meta.dirname, "ws-echo.ts"))
  const [, port] = await child.printed(/^(\d+)\n/)
  return {
    pid: child.pid,
    url: `ws://127.0.0.1:${port}`,
    enter: talker => talker.opened(),
    stop: () => child.stop(),
  }
}
