import { createSocket, type Socket as UdpSocket } from "node:dgram"
import { once } from "node:events"
import { connect } from "node:net"
import { setTimeout as wait } from "node:timers/promises"
import { RelayClient } from "../packages/server/src/relay/testing/relay-client.ts"
import type { Check, Found } from "./check.ts"
import { Coturn, coturnVersion, PASSWORD, USERNAME } from "./coturn.ts"

/** Seconds: short enough to see an allocation outlive its first lifetime. */
const LIFETIME = 10
/** How long one step may take, ms. */
const PATIENCE = 45_000

/** Our TURN client and coturn, over UDP and TCP. */
export async function turnClient(): Promise<Found> {
  const version = coturnVersion()
  if (version === undefined) return { missing: "coturn is not installed (Debian: apt-get install coturn)" }
  const peer = `coturn ${version}`
  const coturn = await Coturn.start(`--max-allocate-lifetime=${LIFETIME}`, "--stale-nonce=4")
  const echo = createSocket("udp4")
  echo.on("message", (data, from) => echo.send(data, from.port, from.address))
  echo.bind(0, "127.0.0.1")
  await once(echo, "listening")
  const checks: Check[] = []
  try {
    for (const transport of ["udp", "tcp"] as const) {
      const client = await open(coturn.port, transport)
      for (const [what, step] of steps(client, echo)) {
        const why = await outcome(step)
        checks.push({
          suite: "turn-client",
          peer,
          case: transport,
          what,
          passed: why === undefined,
          ...(why === undefined ? {} : { why }),
        })
        if (why !== undefined) break
      }
      await client.stop()
    }
  } finally {
    echo.close()
    await coturn.stop()
  }
  return { checks }
}

async function open(port: number, transport: "udp" | "tcp"): Promise<RelayClient> {
  if (transport === "udp") return RelayClient.udp(port, USERNAME, PASSWORD)
  const connection = connect(port, "127.0.0.1")
  await once(connection, "connect")
  return RelayClient.over(connection, "tcp", USERNAME, PASSWORD)
}

type Step = readonly [what: string, step: () => Promise<void>]

function steps(client: RelayClient, echo: UdpSocket): readonly Step[] {
  const { port } = echo.address()
  const ip = "127.0.0.1"
  const thereAndBack = async (text: string) => {
    expect(client.send(ip, port, text), "there is no permission")
    const heard = await client.receive()
    expect(heard.text === text && heard.from === `${ip}:${port}`, `"${heard.text}" from ${heard.from}`)
  }
  return [
    [
      "allocates",
      async () => {
        const event = await client.allocated()
        if (event.type === "failed") throw new Error(event.failure.reason)
        expect(event.lifetime === LIFETIME, `the lifetime is ${event.lifetime} s`)
      },
    ],
    ["is permitted a peer", async () => expectCode(await client.permit(ip))],
    ["data both ways by indications", () => thereAndBack("by indication")],
    ["binds a channel", async () => expectCode(await client.bind(ip, port))],
    ["data both ways by the channel", () => thereAndBack("by channel")],
    ["a large datagram both ways", () => thereAndBack("x".repeat(8_000))],
    [
      "refreshes, though nonces go stale",
      async () => {
        await wait(2.5 * LIFETIME * 1000)
        await thereAndBack("still there")
      },
    ],
    ["frees the allocation", () => client.close()],
  ]
}

function expect(holds: boolean, why: string): void {
  if (!holds) throw new Error(why)
}

function expectCode(code: number): void {
  expect(code === 0, `refused with ${code}`)
}

/** What went wrong with a step; `undefined` when nothing did. */
async function outcome(step: () => Promise<void>): Promise<string | undefined> {
  const late = new AbortController()
  try {
    const patience = wait(PATIENCE, "no answer", { signal: late.signal }).catch(() => undefined)
    return await Promise.race([step().then(() => undefined), patience])
  } catch (error) {
    return (error as Error).message
  } finally {
    late.abort()
  }
}
