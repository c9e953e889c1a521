import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http"
import { request as httpsRequest } from "node:https"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, type TestContext, test } from "node:test"
import { connect as connectTls } from "node:tls"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { WebSocket, WebSocketServer } from "ws"
import { createLog } from "../log/index.ts"
import { selfSigned } from "../tls/self-signed.ts"
import { HttpError } from "./http-error.ts"
import { HttpFront, type HttpFrontOptions } from "./http-front.ts"
import { Pages } from "./pages.ts"
import { readBody } from "./read-body.ts"
import { sendJson } from "./respond.ts"
import { Routes } from "./routes.ts"

const certificate = selfSigned(["localhost", "127.0.0.1"], new Date(), 2)
const logged: string[] = []
const log = createLog({ level: "debug", form: "json", write: line => logged.push(line) })
const SCRIPT = `console.log(${JSON.stringify("beam ".repeat(500))})`

const folder = mkdtempSync(join(tmpdir(), "tightbeam-pages-"))
mkdirSync(join(folder, "assets"))
writeFileSync(join(folder, "index.html"), "<!doctype html><title>Tightbeam</title>")
writeFileSync(join(folder, "assets/app-3F2A9C1B.js"), SCRIPT)

const routes = new Routes()
routes.route("GET", "/rooms/:room", ({ response, params }) => sendJson(response, 200, params))
routes.route("POST", "/echo", async ({ request, response }) =>
  sendJson(response, 200, (await readBody(request, 100)).toString()),
)
routes.route("GET", "/bug", () => {
  throw new TypeError("a secret detail")
})
routes.route("GET", "/refused", () => {
  throw new HttpError(403, "not-allowed", "You may not.", "Ask.")
})
routes.route("GET", "/client", ({ response, client }) => sendJson(response, 200, [...client.ip]))
const webSockets = new WebSocketServer({ noServer: true })
routes.onUpgrade("/signal", (request, socket, head) =>
  webSockets.handleUpgrade(request, socket, head, ws => ws.on("message", (data: Buffer) => ws.send(data))),
)

const base: HttpFrontOptions = {
  address: "127.0.0.1",
  port: 0,
  certificate,
  trustProxy: false,
  routes,
  pages: Pages.load(folder),
  log,
}
const front = new HttpFront(base)
let port = 0

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

async function ask(
  path: string,
  options: RequestOptions & { body?: string; tls?: boolean; port?: number } = {},
): Promise<Answer> {
  const { body, tls = false, ...rest } = options
  const target = { host: "127.0.0.1", port, path, agent: false, ...rest }
  const request = tls ? httpsRequest({ ...target, ca: certificate.cert }) : httpRequest(target)
  request.end(body)
  const [response] = (await once(request, "response")) as [IncomingMessage]
  return {
    status: response.statusCode!,
    headers: response.headers,
    body: Buffer.concat(await response.toArray()),
  }
}

/** Another front, for the length of a test. */
async function another(
  t: TestContext,
  options: Partial<HttpFrontOptions>,
): Promise<{ front: HttpFront; port: number }> {
  const front = new HttpFront({ ...base, ...options })
  t.after(() => front.close())
  return { front, port: await front.listen() }
}

const json = (answer: Answer): unknown => JSON.parse(answer.body.toString())

/** Bytes as they are, and everything that comes back. */
async function raw(text: string, toPort = port): Promise<string> {
  const socket = connect(toPort, "127.0.0.1")
  socket.on("error", () => {})
  socket.write(text)
  const chunks: Buffer[] = []
  socket.on("data", (chunk: Buffer) => chunks.push(chunk))
  await once(socket, "close")
  return Buffer.concat(chunks).toString()
}

describe("One port for HTTP, HTTPS and WebSocket", () => {
  before(async () => {
    port = await front.listen()
  })
  after(async () => {
    await front.close()
    rmSync(folder, { recursive: true })
  })

  test("HTTP, HTTPS and WebSocket are served on one port", async () => {
    assert.deepEqual(json(await ask("/rooms/blue")), { room: "blue" })
    assert.deepEqual(json(await ask("/rooms/blue", { tls: true })), { room: "blue" })
    for (const url of [`ws://127.0.0.1:${port}/signal`, `wss://127.0.0.1:${port}/signal`]) {
      const socket = new WebSocket(url, { ca: certificate.cert })
      await once(socket, "open")
      socket.send("hello")
      const [data] = (await once(socket, "message")) as [Buffer]
      assert.equal(data.toString(), "hello")
      socket.close()
      await once(socket, "close")
    }
  })

  test("an upgrade that nobody takes is answered with 404", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/elsewhere`)
    const [error] = (await once(socket, "error")) as [Error]
    assert.match(error.message, /404/)
  })

  test("errors are JSON with a code, a message and a hint", async () => {
    assert.deepEqual(json(await ask("/nothing")), {
      code: "not-found",
      message: "There is nothing here.",
      hint: "Check the address.",
    })
    assert.equal((await ask("/refused")).status, 403)
    const wrongMethod = await ask("/echo")
    assert.equal(wrongMethod.status, 405)
    assert.equal(wrongMethod.headers.allow, "POST")
    assert.equal((await ask("/index.html", { method: "DELETE" })).status, 405)
  })

  test("a link that leads nowhere gets a person the pages, and a program an error", async () => {
    const person = await ask("/nothing", { headers: { accept: "text/html,*/*" } })
    assert.equal(person.status, 404)
    assert.match(String(person.headers["content-type"]), /text\/html/)
    assert.equal((await ask("/nothing")).status, 404)
  })

  test("HTTP/1.0 needs no Host header", async () => {
    assert.match(await raw("GET /index.html HTTP/1.0\r\n\r\n"), /^HTTP\/1.1 200 /)
  })

  test("a bug is a 500 that says nothing, and a line in the log that says all", async () => {
    const answer = await ask("/bug?token=secret")
    assert.equal(answer.status, 500)
    assert.doesNotMatch(answer.body.toString(), /secret/)
    const line = logged.find(each => each.includes("A request failed"))!
    assert.match(line, /a secret detail/)
    assert.doesNotMatch(line, /token=secret/)
  })

  test("bodies are capped, whatever they declare", async () => {
    const post = (body: string, more: Pick<RequestOptions, "headers"> = {}) =>
      ask("/echo", { method: "POST", body, ...more })
    assert.equal(json(await post("hello")), "hello")
    assert.equal((await post("x".repeat(101))).status, 413)
    assert.equal((await post("x".repeat(101), { headers: { "transfer-encoding": "chunked" } })).status, 413)
  })

  test("every answer has the security headers", async () => {
    for (const path of ["/", "/rooms/x", "/nothing", "/assets/app-3F2A9C1B.js"]) {
      const { headers } = await ask(path)
      assert.match(
        headers["content-security-policy"] as string,
        /default-src 'self'.*frame-ancestors 'none'/,
        path,
      )
      assert.equal(headers["x-content-type-options"], "nosniff")
      assert.equal(headers["referrer-policy"], "no-referrer")
      assert.match(headers["permissions-policy"] as string, /camera=\(self\), microphone=\(self\)/)
    }
  })

  test("pages are compressed, hashed ones immutable, all with an ETag", async () => {
    const path = "/assets/app-3F2A9C1B.js"
    const plain = await ask(path)
    assert.equal(plain.body.toString(), SCRIPT)
    assert.equal(plain.headers["cache-control"], "public, max-age=31536000, immutable")
    assert.equal((await ask("/index.html")).headers["cache-control"], "no-cache")
    assert.equal(plain.headers["content-type"], "text/javascript; charset=utf-8")

    const brotli = await ask(path, { headers: { "accept-encoding": "gzip, br" } })
    assert.equal(brotli.headers["content-encoding"], "br")
    assert.equal(brotliDecompressSync(brotli.body).toString(), SCRIPT)
    const gzip = await ask(path, { headers: { "accept-encoding": "gzip, br;q=0" } })
    assert.equal(gunzipSync(gzip.body).toString(), SCRIPT)
    assert.notEqual(brotli.headers.etag, gzip.headers.etag)

    const again = await ask(path, { headers: { "if-none-match": `"other", W/${plain.headers.etag}` } })
    assert.deepEqual([again.status, again.body.length], [304, 0])
    const head = await ask(path, { method: "HEAD" })
    assert.deepEqual(
      [head.status, head.headers["content-length"], head.body.length],
      [200, String(SCRIPT.length), 0],
    )
  })

  test("no path leads out of the pages", async () => {
    writeFileSync(join(folder, "../tightbeam-outside.txt"), "outside")
    const tries = [
      "/../tightbeam-outside.txt",
      "/assets/../../tightbeam-outside.txt",
      "/%2e%2e/tightbeam-outside.txt",
      "/..%2ftightbeam-outside.txt",
      "/assets\\..\\..\\tightbeam-outside.txt",
      "//etc/passwd",
      "/etc/passwd",
      "/index.html%00.js",
      "/__proto__",
      "/constructor",
    ]
    for (const path of tries) assert.equal((await ask(path)).status, 404, path)
    rmSync(join(folder, "../tightbeam-outside.txt"))
  })

  test("what browsers never send is refused", async () => {
    assert.match(await raw("GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1.1 400 .*bad-host/s)
    assert.match(await raw("GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n"), /bad-host/)
    assert.match(await raw("GET / HTTP/1.1\r\nhost: a@b\r\nconnection: close\r\n\r\n"), /bad-host/)
    assert.match(await raw("GET http://x/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), /bad-target/)
    assert.match(await raw("GARBAGE\r\n\r\n"), /^HTTP\/1.1 400/)
    assert.match(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431/)
    assert.equal(await raw("\u0000\u0001\u0002"), "")
  })

  test("an address has so many requests, upgrades among them; then it is told when to come again", async t => {
    const requestRate = { perSecond: 0.1, burst: 3, addresses: 9 }
    const { port: busyPort } = await another(t, { requestRate })
    for (let i = 0; i < 3; i++) assert.equal((await ask("/rooms/blue", { port: busyPort })).status, 200)
    const refused = await ask("/rooms/blue", { port: busyPort })
    assert.equal(refused.status, 429)
    assert.equal(refused.headers["retry-after"], "10")
    const { code, message, hint } = json(refused) as Record<string, string>
    assert.ok(code === "too-many" && message!.includes("your network") && hint!.includes("limits"))
    const upgrade =
      "GET /signal HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    assert.match(await raw(upgrade, busyPort), /^HTTP\/1\.1 429 .*\r\nretry-after: 10\r\n/)
  })

  test("an address may connect so often, whatever it says then, within TLS too", async t => {
    const connectionRate = { perSecond: 0.001, burst: 2, addresses: 9 }
    const { front: few, port: fewPort } = await another(t, { connectionRate })
    for (let i = 0; i < 2; i++) assert.match(await raw("GARBAGE\r\n\r\n", fewPort), /400/)
    const third = connectTls({ host: "127.0.0.1", port: fewPort, ca: certificate.cert })
    third.on("error", () => {})
    await new Promise(resolve => third.once("close", resolve))
    assert.deepEqual([few.counters()!.accepted, few.counters()!.refused], [2, 1])
  })

  test("behind a trusted proxy, requests count for the address that it gives, by /64", async t => {
    const requestRate = { perSecond: 0.001, burst: 1, addresses: 9 }
    const connectionRate = { ...requestRate, burst: 1 }
    const tcpLimits = { connectionsPerAddress: 1 }
    const { port: proxied } = await another(t, { trustProxy: true, requestRate, connectionRate, tcpLimits })
    const from = async (address: string) =>
      (await ask("/rooms/blue", { port: proxied, headers: { "x-forwarded-for": address } })).status
    assert.deepEqual([await from("192.0.2.1"), await from("192.0.2.1")], [200, 429])
    // What stands before the proxy's own entry is the client's to invent.
    assert.deepEqual([await from("192.0.2.9, 192.0.2.1"), await from("192.0.2.2")], [429, 200])
    assert.deepEqual([await from("2001:db8::1"), await from("2001:db8::2:1")], [200, 429])
    assert.equal(await from("2001:db8:0:1::1"), 200)
  })

  test("slow headers and silent TLS handshakes end", async t => {
    const limits = { headers: 30, request: 30, check: 10, tlsHandshake: 30 }
    const { port: slowPort } = await another(t, { limits })
    assert.match(await raw("GET / HTTP/1.1\r\nhost:", slowPort), /^HTTP\/1.1 408/)
    assert.equal(await raw("\u0016\u0003\u0001", slowPort), "")
  })

  test("the certificate can be replaced while it runs", async t => {
    const other = selfSigned(["localhost", "127.0.0.1"], new Date(), 2)
    const { front: changing, port: changingPort } = await another(t, {})
    changing.replaceCertificate(other)
    const socket = connectTls({ host: "127.0.0.1", port: changingPort, ca: other.cert })
    await once(socket, "secureConnect")
    assert.ok(socket.authorized)
    socket.destroy()
  })

  test("other protocols share the port, by themselves and within TLS, whatever ALPN says or does not", async t => {
    const { port: sharedPort } = await another(t, {
      others: [
        {
          name: "shout",
          matches: head => head[0] === 0,
          accept: (socket, transport) => socket.end(transport),
        },
      ],
    })
    assert.equal(await raw("\u0000", sharedPort), "tcp")
    for (const [offered, chosen] of [
      [undefined, false],
      [["stun.turn"], "stun.turn"],
      [["h2", "http/1.1"], "http/1.1"],
    ] as const) {
      const socket = connectTls({
        host: "127.0.0.1",
        port: sharedPort,
        ca: certificate.cert,
        ...(offered && { ALPNProtocols: [...offered] }),
      })
      await once(socket, "secureConnect")
      assert.equal(socket.alpnProtocol, chosen)
      socket.write("\u0000")
      assert.equal(Buffer.concat(await socket.toArray()).toString(), "tls")
    }
    assert.deepEqual(json(await ask("/rooms/blue", { port: sharedPort, tls: true })), { room: "blue" })
  })

  test("a handshake that is none, and silence after one, end; the port counts them", async t => {
    const limits = { tlsHandshake: 40 }
    const { front: counted, port: countedPort } = await another(t, { limits, tcpLimits: { silence: 40 } })
    await raw(`\u0016\u0003\u0001\u0000\u0005${"x".repeat(300)}`, countedPort)
    await raw("\u0016\u0003\u0001\u0001\u0000\u0001", countedPort)
    const silent = connectTls({ host: "127.0.0.1", port: countedPort, ca: certificate.cert })
    silent.on("error", () => {})
    await once(silent.resume(), "close")
    const unknown = connectTls({ host: "127.0.0.1", port: countedPort, ca: certificate.cert })
    unknown.on("error", () => {})
    unknown.write("\u0016\u0003\u0001")
    await once(unknown.resume(), "close")
    assert.deepEqual(counted.counters(), {
      open: 0,
      accepted: 4,
      refused: 0,
      silent: 1,
      unknown: 1,
      tlsFailed: 2,
    })
  })

  test("without a certificate TLS is not answered", async t => {
    const { port: plainPort } = await another(t, { certificate: undefined })
    assert.equal(await raw("\u0016\u0003\u0001", plainPort), "")
    assert.equal((await ask("/", { port: plainPort })).status, 404)
  })

  test("the client's address is taken from a proxy only where that is trusted", async t => {
    const headers = { "x-forwarded-for": "10.0.0.1, 203.0.113.9" }
    assert.deepEqual(json(await ask("/client", { headers })), [127, 0, 0, 1])
    const { port: proxiedPort } = await another(t, { trustProxy: true })
    const via = async (forwarded: string): Promise<unknown> =>
      json(await ask("/client", { port: proxiedPort, headers: { "x-forwarded-for": forwarded } }))
    assert.deepEqual(await via("10.0.0.1, 203.0.113.9"), [203, 0, 113, 9])
    assert.deepEqual(await via("203.0.113.9:5000"), [203, 0, 113, 9])
    assert.deepEqual(await via("::ffff:203.0.113.9"), [203, 0, 113, 9])
    assert.equal(((await via("[2001:db8::1]:443")) as number[]).length, 16)
    assert.deepEqual(await via("nonsense"), [127, 0, 0, 1])
  })
})
