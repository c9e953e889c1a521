import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, type TestContext, test } from "node:test"
import type { Config } from "./config/index.ts"
import { parseConfig } from "./config/schema.ts"
import { sendJson } from "./http/index.ts"
import { createLog } from "./log/index.ts"
import type { Service } from "./service.ts"
import { type Running, type StartOptions, start } from "./start.ts"
import { StartError } from "./start-error.ts"

const root = mkdtempSync(join(tmpdir(), "tightbeam-start-"))
after(() => rmSync(root, { recursive: true }))
const pagesFolder = join(root, "pages")
mkdirSync(pagesFolder)
writeFileSync(join(pagesFolder, "index.html"), "<!doctype html><title>Tightbeam</title>")

const log = createLog({ level: "error", form: "json", write: line => assert.fail(line) })

function config(settings: Partial<Record<keyof Config, unknown>> = {}): Config {
  const { http = {}, turn = {}, ...rest } = settings as Record<string, object>
  return parseConfig({
    http: { address: "127.0.0.1", port: 0, ...http },
    turn: { address: "127.0.0.1", port: 0, ...turn },
    data: join(root, "data"),
    ...rest,
  })
}

async function run(
  t: TestContext,
  from: Config = config(),
  options: Partial<StartOptions> = {},
): Promise<Running> {
  const running = await start(from, { log, pagesFolder, ...options })
  t.after(() => running.close())
  return running
}

const get = (running: Running, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${running.httpPort}${path}`, { headers: { connection: "close" } })

test("it serves the pages, its health and what it is", async t => {
  const running = await run(t)
  for (const path of ["/", "/r/blue-otter", "/r/blue-otter/"])
    assert.match(await (await get(running, path)).text(), /<title>Tightbeam/)
  assert.equal((await get(running, "/r/a/b")).status, 404)
  assert.deepEqual(await (await get(running, "/healthz")).json(), { status: "alive" })
  assert.deepEqual(await (await get(running, "/readyz")).json(), { status: "ready" })
  const info = (await (await get(running, "/api/info")).json()) as Record<string, unknown>
  assert.equal(info.version, "0.1.0")
  assert.equal(info.relayedVideoBitrate, 0)
  assert.equal(running.localUrl, `http://localhost:${running.httpPort}/`)
  // It listens on loopback alone here.
  assert.equal(running.lanUrl, undefined)
  assert.ok(running.turnPort! > 0)
})

test("the TCP port has as many connections of one address as the configuration says", async t => {
  const running = await run(t, config({ limits: { connectionsPerAddress: 1, silence: 1 } }))
  const first = connect(running.httpPort, "127.0.0.1")
  await once(first, "connect")
  const second = connect(running.httpPort, "127.0.0.1")
  second.on("error", () => {})
  await once(second.resume(), "close")
  assert.ok(!first.closed)
  // It says nothing.
  await once(first.resume(), "close")
  assert.equal((await get(running, "/healthz")).status, 200)
})

test("services get routes, upgrades, ICE servers and a secret", async t => {
  const service: Service = {
    name: "hello",
    start: ({ routes, iceServers, accessSecret }) =>
      routes.route("GET", "/hello", ({ response }) =>
        sendJson(response, 200, {
          ice: iceServers("blue", "p1").iceServers.length,
          secret: accessSecret.length,
        }),
      ),
    drain: async () => {},
    close: () => {},
  }
  const running = await run(t, config(), { services: [service] })
  assert.deepEqual(await (await get(running, "/hello")).json(), { ice: 2, secret: 32 })
})

test("without TURN there are no ICE servers and no UDP port", async t => {
  let servers: unknown
  const service: Service = {
    name: "ask",
    start: app =>
      app.routes.route("GET", "/ask", ({ response }) => {
        servers = app.iceServers("blue", "p1").iceServers
        response.end()
      }),
    drain: async () => {},
    close: () => {},
  }
  const running = await run(t, config({ turn: { enabled: false } }), { services: [service] })
  await get(running, "/ask")
  assert.deepEqual(servers, [])
  assert.equal(running.turnPort, undefined)
})

test("draining is told to services and to readyz, lasts until the calls end, and closes", async t => {
  const calls = Promise.withResolvers<void>()
  const told: string[] = []
  const service: Service = {
    name: "calls",
    start: () => {},
    drain: () => {
      told.push("drain")
      return calls.promise
    },
    close: () => told.push("close"),
  }
  const running = await run(t, config(), { services: [service] })
  const drained = running.drain()
  const ready = await get(running, "/readyz")
  assert.equal(ready.status, 503)
  assert.deepEqual(await ready.json(), { status: "not-ready", reason: "draining" })
  assert.equal((await get(running, "/healthz")).status, 200)
  assert.deepEqual(told, ["drain"])
  calls.resolve()
  await drained
  assert.deepEqual(told, ["drain", "close"])
  await assert.rejects(get(running, "/healthz"))
})

test("draining ends at its deadline, whatever still runs", async t => {
  const service: Service = {
    name: "stuck",
    start: () => {},
    drain: () => new Promise(() => {}),
    close: () => {},
  }
  const running = await run(t, config({ drain: 0 }), { services: [service] })
  await running.drain()
  assert.equal(running.phase, "closed")
})

test("a port that is taken is named, with what to do, and nothing is left running", async t => {
  const first = await run(t)
  const tcp = start(config({ http: { port: first.httpPort } }), { log, pagesFolder })
  await assert.rejects(tcp, (error: StartError) => {
    assert.ok(error instanceof StartError)
    assert.equal(error.message, `TCP port ${first.httpPort} is in use by another process.`)
    assert.match(
      error.hints.join("\n"),
      /ss -ltnp 'sport = :\d+'.*--http\.port \d+, or TIGHTBEAM__HTTP__PORT=\d+, or http\.port/s,
    )
    return true
  })
  const udp = start(config({ turn: { port: first.turnPort } }), { log, pagesFolder })
  await assert.rejects(udp, {
    name: "StartError",
    message: `UDP port ${first.turnPort} is in use by another process.`,
  })
  const elsewhere = start(config({ http: { address: "192.0.2.77" } }), { log, pagesFolder })
  await assert.rejects(elsewhere, { message: "192.0.2.77 is not an address of this machine." })
})

test("without pages it says so", async t => {
  const running = await run(t, config(), { pagesFolder: join(root, "none") })
  const answer = await get(running, "/")
  assert.equal(answer.status, 503)
  assert.deepEqual(await answer.json(), {
    code: "no-pages",
    message: "The pages have not been built.",
    hint: "Run: npm run build",
  })
})
