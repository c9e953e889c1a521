import assert from "node:assert/strict"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { after, type TestContext, test } from "node:test"
import { type ClientMessage, PROTOCOL_VERSION, SUBPROTOCOL } from "@tightbeam/client"
import { WebSocket } from "ws"
import { verifyToken } from "../signaling/tokens.ts"

const MAIN = join(import.meta.dirname, "main.ts")
const root = mkdtempSync(join(tmpdir(), "tightbeam-cli-"))
after(() => rmSync(root, { recursive: true }))

type Child = ChildProcessByStdio<null, Readable, Readable>

function tightbeam(t: TestContext, args: readonly string[]): Child {
  const child = spawn(process.execPath, ["--conditions=@tightbeam/source", MAIN, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  })
  t.after(() => child.kill("SIGKILL"))
  return child
}

async function finished(
  t: TestContext,
  args: readonly string[],
): Promise<{ code: number; out: string; error: string }> {
  const child = tightbeam(t, args)
  const output = Promise.all([child.stdout.toArray(), child.stderr.toArray()])
  const [code] = (await once(child, "close")) as [number]
  const [out, error] = (await output).map(chunks => Buffer.concat(chunks as Buffer[]).toString())
  return { code, out: out!, error: error! }
}

const LOOPBACK =
  `--http.address 127.0.0.1 --http.port 0 --turn.address 127.0.0.1 --turn.port 0 --data ${root}/data`.split(
    " ",
  )

/** Resolves with the ports once the process says that it is ready. */
async function ready(child: Child): Promise<{ http: number; turn: number; metrics: number }> {
  const lines = createInterface(child.stderr)
  for (;;) {
    const [line] = (await once(lines, "line")) as [string]
    const entry = JSON.parse(line) as { message: string; http: number; turn: number; metrics: number }
    if (entry.message === "Ready") return entry
  }
}

test("up says where it is, serves, and drains on SIGTERM", async t => {
  const child = tightbeam(t, ["up", ...LOOPBACK, "--metrics.enabled", "--metrics.port", "0"])
  const output = child.stdout.toArray()
  const { http, turn, metrics } = await ready(child)
  assert.equal((await fetch(`http://127.0.0.1:${http}/healthz`)).status, 200)
  assert.equal((await fetch(`http://127.0.0.1:${http}/readyz`)).status, 200)
  const measured = await fetch(`http://127.0.0.1:${metrics}/metrics`)
  assert.match(await measured.text(), /^tightbeam_relay_allocations\{transport="udp"\} 0$/m)
  child.kill("SIGTERM")
  const [code] = (await once(child, "close")) as [number]
  assert.equal(code, 0)
  const text = Buffer.concat(await output).toString()
  assert.match(text, new RegExp(`This computer +http://localhost:${http}/`))
  assert.match(text, new RegExp(`HTTP, HTTPS, WebSocket, TURN +TCP 127.0.0.1 port ${http}`))
  assert.match(text, new RegExp(`STUN, TURN +UDP 127.0.0.1 port ${turn}`))
  assert.match(text, /Relay +UDP ports 49152–65535/)
  assert.match(text, new RegExp(`Metrics +TCP 127.0.0.1 port ${metrics}`))
  assert.match(text, new RegExp(`Data +${root}/data`))
})

test("a second signal ends it at once, while calls still run", async t => {
  const child = tightbeam(t, ["up", ...LOOPBACK, "--drain", "600"])
  const { http } = await ready(child)
  const answer = await fetch(`http://127.0.0.1:${http}/api/rooms/blue/token`, { method: "POST" })
  const { token } = (await answer.json()) as { token: string }
  const socket = new WebSocket(`ws://127.0.0.1:${http}/signal`, SUBPROTOCOL)
  await once(socket, "open")
  const join: ClientMessage = { type: "join", version: PROTOCOL_VERSION, room: "blue", token, name: "Ada" }
  socket.send(JSON.stringify(join))
  const [joined] = (await once(socket, "message")) as [Buffer]
  assert.match(joined.toString(), /"type":"joined".*"urls":\["turn:127\.0\.0\.1:\d+\?transport=udp"/)
  // As the room's host, Ada hears of its lobby too.
  const closing = Promise.withResolvers<void>()
  socket.on("message", (data: Buffer) => {
    if (data.toString().includes('"type":"closing"')) closing.resolve()
  })
  child.kill("SIGTERM")
  await closing.promise
  assert.equal((await fetch(`http://127.0.0.1:${http}/readyz`)).status, 503)
  child.kill("SIGINT")
  const [code] = (await once(child, "exit")) as [number]
  assert.equal(code, 130)
})

test("a port in use is exit code 1, with what to do", async t => {
  const first = tightbeam(t, ["up", ...LOOPBACK])
  const { http } = await ready(first)
  const { code, out, error } = await finished(t, ["up", ...LOOPBACK, "--http.port", String(http)])
  assert.equal(code, 1)
  assert.equal(out, "")
  assert.match(
    error,
    new RegExp(`^TCP port ${http} is in use by another process.\\n.*--http.port ${http + 1}`, "s"),
  )
})

test("a wrong configuration is exit code 2, and starts nothing", async t => {
  const { code, out, error } = await finished(t, ["up", ...LOOPBACK, "--prot", "1", "--log.level", "loud"])
  assert.equal(code, 2)
  assert.equal(out, "")
  assert.equal(
    error,
    [
      "The configuration has 2 problems:",
      "  --prot is not a flag. Did you mean --port?",
      '  --log.level is "loud": must be one of debug, info, warn, error',
      "Nothing was started. docs/configuration.md lists every key.",
      "",
    ].join("\n"),
  )
})

test("token prints what the server accepts", async t => {
  const secret = "0123456789abcdef0123456789abcdef"
  writeFileSync(join(root, "secret"), secret)
  const { code, out } = await finished(t, [
    "token",
    "--room",
    "blue",
    "--ttl",
    "15m",
    "--host",
    "--access.secretFile",
    "secret",
  ])
  assert.equal(code, 0)
  const verdict = await verifyToken(out.trim(), "blue", new TextEncoder().encode(secret))
  assert.ok(verdict.type === "authorized")
  assert.ok(verdict.remaining > 14 * 60_000 && verdict.remaining < 16 * 60_000)
  assert.deepEqual(verdict.grants, { publish: true, host: true })
  const link = await finished(t, "token --room blue --url --http.address 127.0.0.1".split(" "))
  assert.match(link.out, /^http:\/\/localhost:8443\/r\/blue#token=[\w-]+\.[\w-]+\.[\w-]+\n$/)
  assert.deepEqual(await finished(t, ["token"]), {
    code: 2,
    out: "",
    error: "token needs a room: tightbeam token --room ROOM\n",
  })
})

test("config, help, version and mistakes", async t => {
  const [config, schema, help, version, mistake] = await Promise.all([
    finished(t, ["config", "--turn.port", "4000"]),
    finished(t, ["config", "--schema"]),
    finished(t, ["help"]),
    finished(t, ["--version"]),
    finished(t, ["pu"]),
  ])
  assert.match(config.out, /turn\.port +4000 +--turn\.port\n/)
  assert.equal((JSON.parse(schema.out) as { type: string }).type, "object")
  assert.match(help.out, /tightbeam up/)
  assert.equal(version.out, "0.1.0\n")
  assert.deepEqual(
    [mistake.code, mistake.error],
    [2, '"pu" is not a command. Did you mean up? See: tightbeam help\n'],
  )
})
