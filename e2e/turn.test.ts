import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { after, before, describe, test } from "node:test"
import { Server } from "./harness.ts"

/** ms after which a client that gets nowhere is ended. */
const PATIENCE = 60_000

async function run(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE })
  let output = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, "close")) as [number | null]
  assert.equal(code, 0, `${command} ended with ${code}:\n${output}`)
  return output
}

/** Of the last report that turnutils_uclient printed. */
function totals(output: string): { sent: number; received: number; lossPercent: number } {
  const [, sent, received] = /tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/.exec(
    output.slice(output.lastIndexOf("start_mclient: tot_send_msgs")),
  )!
  const [, lossPercent] = /Total lost packets \d+ \(([\d.]+)%\)/.exec(output)!
  return { sent: Number(sent), received: Number(received), lossPercent: Number(lossPercent) }
}

/** Bytes of one message of turnutils_uclient: 100 of data in ChannelData, or in a Data indication from an IPv4 peer. */
const CHANNEL_DATA = 104
const DATA_INDICATION = 136

/**
 * Over TLS, turnutils_uclient takes what is in one record for one message (`recv_buffer`). Messages that leave
 * together share a record, and all but one of them it neither counts nor says are lost: here they are
 * counted, by the sizes of what it read (-v).
 */
function unseen(output: string, unit: number): number {
  let count = 0
  for (const [, size] of output.matchAll(/response received: size=(\d+)/g))
    if (Number(size) % unit === 0) count += Number(size) / unit - 1
  return count
}

// They mostly wait for each other: a few at once take no more of the machine.
describe("coturn's own clients against our server", { concurrency: 5 }, () => {
  let server: Server
  let peer: ChildProcess

  before(async () => {
    // The echo peer stands on the loopback: an operator has to allow that. Bookworm's uclient is from before
    // RFC 8656, and takes its channel numbers from the wider range that RFC 5766 had.
    server = await Server.start("--turn.allowPeers=127.0.0.1/32", "--turn.channelNumbers=rfc5766")
    peer = spawn("turnutils_peer", ["-L", "127.0.0.1", "-p", "3480"], { stdio: "ignore" })
  })
  after(async () => {
    peer?.kill()
    await server?.stop()
  })

  test("turnutils_stunclient learns its address", async () => {
    const output = await run("turnutils_stunclient", "-p", String(server.turnPort), "127.0.0.1")
    assert.match(output, /UDP reflexive addr: 127\.0\.0\.1:\d+/)
  })

  const modes: [what: string, args: string[]][] = [
    ["with channels, through an echo peer", ["-e", "127.0.0.1", "-r", "3480"]],
    ["with channels, between two clients of the relay", ["-y"]],
    ["with Send and Data indications", ["-s", "-e", "127.0.0.1", "-r", "3480"]],
    ["between two clients of the relay", ["-s", "-y"]],
    ["with ten clients at once, no RTCP", ["-c", "-m", "10", "-e", "127.0.0.1", "-r", "3480"]],
  ]
  const transports: [over: string, flags: string[]][] = [
    ["UDP", []],
    ["TCP", ["-t"]],
    ["TLS", ["-t", "-S", "-v"]],
  ]
  const cases = transports.flatMap(transport => modes.map(mode => [...transport, ...mode] as const))
  for (const [over, flags, what, args] of cases)
    test(`over ${over}, turnutils_uclient loses nothing at its default rate ${what}`, async t => {
      const { username, password } = server.turnCredentials()
      // TCP and TLS come to the one port that the pages are on too.
      const port = over === "UDP" ? server.turnPort : server.httpPort
      const common = ["-u", username, "-w", password, "-p", String(port), "-n", "100", ...flags]
      const output = await run("turnutils_uclient", ...common, ...args, "127.0.0.1")
      const { sent, received, lossPercent } = totals(output)
      const shared = over === "TLS" ? unseen(output, args.includes("-s") ? DATA_INDICATION : CHANNEL_DATA) : 0
      t.diagnostic(`${received} of ${sent} messages came back, and ${shared} in records of others`)
      assert.ok(sent >= 100)
      assert.equal(received + shared, sent)
      if (shared === 0) assert.equal(lossPercent, 0)
    })
})
