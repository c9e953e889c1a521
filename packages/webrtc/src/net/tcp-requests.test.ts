import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, createServer, type Socket as NetSocket, type Server } from "node:net"
import { type TestContext, test } from "node:test"
import { createServer as createTlsServer, type TLSSocket } from "node:tls"
import { formatAddress } from "../bytes/index.ts"
import type { Datagram, Flow, Framing, Machine, Out, Path, Reply, Request } from "../contract/index.ts"
import { Driver, type DriverOptions } from "./driver.ts"
import { CAN_SHARE_PORTS } from "./shared-port.ts"
import { CERTIFICATE, KEY } from "./testing/certificate.ts"

/** A byte of length, then as many bytes. */
const framing: Framing = {
  longest: 256,
  frameLength: (bytes, at) => bytes[at]! + 1,
  lengthOnStream: length => length,
}
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const family = 4

type Of<Type extends Reply["type"]> = Extract<Reply, { type: Type }>

/** A machine that does what the test says, and its driver. */
class Asker implements Machine<"told"> {
  readonly nextTick = Infinity
  readonly replies: Reply[] = []
  readonly closedPaths: Path[] = []
  readonly heard: string[] = []
  /** Whether it holds the paths that it gets. */
  holds = true
  /** Asked for at the next frame. */
  atFrame: ((d: Datagram) => Request) | undefined
  readonly driver: Driver<"told">
  readonly #waiting: (() => void)[] = []

  constructor(t: TestContext, options: DriverOptions<"told"> = {}) {
    this.driver = new Driver<"told">(this, {
      bindAddresses: { 4: "127.0.0.1", 6: "::1" },
      ...options,
      onEvent: () => {
        for (const wake of this.#waiting.splice(0)) wake()
      },
    })
    t.after(() => this.driver.close())
  }

  receive(d: Datagram, _now: number, out: Out<"told">): void {
    this.heard.push(Buffer.from(d.bytes.subarray(d.offset + 1, d.offset + d.length)).toString())
    const request = this.atFrame?.(d)
    if (request !== undefined) out.ask(request)
    out.tell("told")
  }
  reply(answer: Reply, _now: number, out: Out<"told">): void {
    if ("path" in answer && this.holds) out.paths.hold(answer.path)
    this.replies.push(answer)
    out.tell("told")
  }
  tick(): void {}
  closed(path: Path, _now: number, out: Out<"told">): void {
    if (this.holds) out.paths.release(path)
    this.closedPaths.push(path)
    out.tell("told")
  }

  ask(request: Request): void {
    this.driver.command((_now, out) => out.ask(request))
  }
  say(path: Path, text: string): void {
    this.driver.command((_now, out) => {
      const bytes = Buffer.from(String.fromCharCode(text.length) + text)
      out.bytes.set(bytes, out.reserve(path, bytes.length))
      out.commit(bytes.length)
    })
  }
  close(path: Path): void {
    this.driver.command((_now, out) => {
      out.ask({ type: "close", socket: out.paths.socket(path) })
      out.paths.release(path)
    })
  }
  remote(path: Path): string {
    return this.driver.command((_now, out) => formatAddress(out.paths.remote(path)))
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }
  /** The one reply of a kind that there is, or will be. */
  async told<Type extends Reply["type"]>(type: Type, id: number): Promise<Of<Type>> {
    const found = (): Reply | undefined => this.replies.find(each => each.id === id)
    await this.until(() => found()?.type !== undefined)
    const reply = this.replies.splice(this.replies.indexOf(found()!), 1)[0]!
    assert.equal(reply.type, type, JSON.stringify(reply))
    return reply as Of<Type>
  }
}

async function serve(t: TestContext, server: Server, host = "127.0.0.1"): Promise<number> {
  const open = new Set<NetSocket>()
  server.on("connection", socket => {
    open.add(socket)
    socket.on("error", () => {})
  })
  server.listen(0, host)
  await once(server, "listening")
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return (server.address() as { port: number }).port
}

async function listening(asker: Asker, framed = true): Promise<Of<"listening">> {
  asker.ask({ type: "listen", id: 1, family, port: 0, ...(framed && { framing }) })
  return asker.told("listening", 1)
}

test("a machine listens and another connects; frames go both ways, and each knows the other's address", async t => {
  const [ben, ada] = [new Asker(t), new Asker(t)]
  const { local: remote, socket } = await listening(ben)
  ada.ask({ type: "connect", id: 7, family, remote, transport: "tcp", framing })
  const { path: there, local } = await ada.told("connected", 7)
  const { path: here } = await ben.told("accepted", 1)
  assert.equal(ben.remote(here), formatAddress(local))
  assert.equal(ada.remote(there), formatAddress(remote))
  ada.say(there, "hello")
  await ben.until(() => ben.heard.length === 1)
  // Who is there stays when nobody else is let in any more.
  ben.ask({ type: "close", socket })
  ben.say(here, "hi")
  await ada.until(() => ada.heard.length === 1)
  assert.deepEqual([ben.heard, ada.heard], [["hello"], ["hi"]])
  ada.ask({ type: "connect", id: 8, family, remote, transport: "tcp", framing })
  assert.equal((await ada.told("failed", 8)).reason, "refused")
  ada.close(there)
  await ben.until(() => ben.closedPaths.length === 1)
  assert.deepEqual(ben.closedPaths, [here])
})

test("a socket is bound to the address that is asked for, and to none that is not ours", async t => {
  const asker = new Asker(t)
  const other = Uint8Array.of(127, 0, 0, 9)
  const foreign = Uint8Array.of(192, 0, 2, 1)
  asker.ask({ type: "bind", id: 1, family, ip: other, port: 0 })
  asker.ask({ type: "listen", id: 2, family, ip: other, port: 0 })
  assert.deepEqual([...(await asker.told("bound", 1)).local.ip], [...other])
  const { local } = await asker.told("listening", 2)
  assert.deepEqual([...local.ip], [...other])
  asker.ask({ type: "connect", id: 6, family, ip: other, remote: local, transport: "tcp" })
  assert.deepEqual([...(await asker.told("connected", 6)).local.ip], [...other])
  asker.ask({ type: "bind", id: 3, family, ip: foreign, port: 0 })
  asker.ask({ type: "listen", id: 4, family, ip: foreign, port: 0 })
  asker.ask({ type: "connect", id: 5, family, ip: foreign, remote: local, transport: "tcp" })
  assert.equal((await asker.told("failed", 3)).reason, "refused")
  assert.equal((await asker.told("failed", 4)).reason, "refused")
  assert.equal((await asker.told("failed", 5)).reason, "unreachable")
})

test("a port that somebody listens on is in use, be it ourselves", async t => {
  const [one, other] = [new Asker(t), new Asker(t)]
  const { local } = await listening(one)
  other.ask({ type: "listen", id: 2, family, port: local.port })
  assert.equal((await other.told("failed", 2)).reason, "in-use")
  one.ask({ type: "listen", id: 3, family, port: local.port })
  assert.equal((await one.told("failed", 3)).reason, "in-use")
})

test("connections leave from a port that is listened on, one to each peer", async t => {
  if (!CAN_SHARE_PORTS) return t.skip("this platform cannot")
  const asker = new Asker(t)
  const { local } = await listening(asker)
  const froms: number[] = []
  const far = createServer(socket => froms.push(socket.remotePort!))
  const port = await serve(t, far)
  const secondPort = await serve(
    t,
    createServer(socket => froms.push(socket.remotePort!)),
  )
  const from = { type: "connect", family, port: local.port, transport: "tcp" } as const
  asker.ask({ ...from, id: 2, remote: { ip: LOOPBACK, port } })
  asker.ask({ ...from, id: 3, remote: { ip: LOOPBACK, port: secondPort } })
  assert.equal((await asker.told("connected", 2)).local.port, local.port)
  assert.equal((await asker.told("connected", 3)).local.port, local.port)
  asker.ask({ ...from, id: 4, remote: { ip: LOOPBACK, port } })
  assert.equal((await asker.told("failed", 4)).reason, "in-use")
  assert.deepEqual(froms, [local.port, local.port])
  // And who connects to that port still gets to who listens.
  connect(local.port, "127.0.0.1")
    .on("error", () => {})
    .unref()
  await asker.told("accepted", 1)
})

test("what cannot be reached is told from what refuses and from what does not answer", async t => {
  const asker = new Asker(t, { streams: { connect: 100 } })
  const silent = await serve(t, createServer())
  const port = await serve(
    t,
    createServer(socket => socket.destroy()),
  )
  const gone = createServer()
  const goneAt = await serve(t, gone)
  gone.close()
  await once(gone, "close")
  const ask = (id: number, ip: Uint8Array, at: number, transport: "tcp" | "tls"): void =>
    asker.ask({ type: "connect", id, family, remote: { ip, port: at }, transport })
  ask(1, LOOPBACK, goneAt, "tcp")
  ask(2, LOOPBACK, silent, "tls")
  ask(3, LOOPBACK, port, "tls")
  // From the loopback there is no way out.
  ask(4, Uint8Array.of(198, 51, 100, 1), 9, "tcp")
  assert.equal((await asker.told("failed", 1)).reason, "refused")
  assert.equal((await asker.told("failed", 3)).reason, "refused")
  assert.equal((await asker.told("failed", 4)).reason, "unreachable")
  assert.equal((await asker.told("failed", 2)).reason, "timed-out")
})

test("a connection that is under way can be abandoned, and only so many may be", async t => {
  const asker = new Asker(t, { streams: { connecting: 1 } })
  const silent = createServer()
  const port = await serve(t, silent)
  const remote = { ip: LOOPBACK, port }
  asker.ask({ type: "connect", id: 1, family, remote, transport: "tls" })
  const [socket] = (await once(silent, "connection")) as [NetSocket]
  asker.ask({ type: "connect", id: 2, family, remote, transport: "tcp" })
  assert.equal((await asker.told("failed", 2)).reason, "exhausted")
  asker.ask({ type: "abandon", id: 1 })
  asker.ask({ type: "abandon", id: 1 })
  await once(socket.resume(), "close")
  asker.ask({ type: "connect", id: 3, family, remote, transport: "tcp" })
  await asker.told("connected", 3)
  assert.deepEqual(asker.replies, [])
})

test("a certificate has to be trusted, and good for the name or the address", async t => {
  const names: unknown[] = []
  const server = createTlsServer({ cert: CERTIFICATE, key: KEY, ALPNProtocols: ["stun.turn"] }, socket => {
    names.push(socket.servername, socket.alpnProtocol)
    socket.on("data", (bytes: Buffer) => socket.write(bytes))
  })
  server.on("secureConnection", (socket: TLSSocket) => socket.on("error", () => {}))
  const remote = { ip: LOOPBACK, port: await serve(t, server) }
  const [trusting, wary] = [new Asker(t, { authorities: [CERTIFICATE] }), new Asker(t)]
  const tls = { type: "connect", family, remote, transport: "tls", framing } as const
  trusting.ask({ ...tls, id: 1, serverName: "beam.example", protocols: ["stun.turn"] })
  const { path } = await trusting.told("connected", 1)
  trusting.say(path, "echo")
  await trusting.until(() => trusting.heard.length === 1)
  assert.deepEqual(names, ["beam.example", "stun.turn"])
  trusting.ask({ ...tls, id: 2 })
  trusting.ask({ ...tls, id: 3, serverName: "127.0.0.1" })
  await trusting.told("connected", 2)
  await trusting.told("connected", 3)
  trusting.ask({ ...tls, id: 4, serverName: "another.example" })
  assert.equal((await trusting.told("failed", 4)).reason, "untrusted")
  wary.ask({ ...tls, id: 5, serverName: "beam.example" })
  assert.equal((await wary.told("failed", 5)).reason, "untrusted")
})

/** A client's framed stream to the machine, and one of the machine's to a server. */
async function twoStreams(t: TestContext, asker: Asker) {
  const { local } = await listening(asker)
  const client = connect({ port: local.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true })
  client.on("error", () => {})
  t.after(() => client.destroy())
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  const port = await serve(t, server)
  const connection = once(server, "connection") as Promise<[NetSocket]>
  asker.ask({ type: "connect", id: 9, family, remote: { ip: LOOPBACK, port }, transport: "tcp" })
  const [[peer], toClient, toPeer] = await Promise.all([
    connection,
    asker.told("accepted", 1),
    asker.told("connected", 9),
  ])
  return { client, peer, toClient: toClient.path, toPeer: toPeer.path }
}

async function read(socket: NetSocket, length: number): Promise<string> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null
    if (bytes !== null) return bytes.toString()
    await once(socket, "readable")
  }
}

test("streams that are joined carry each other's bytes, what came before and with the last frame first", async t => {
  const asker = new Asker(t)
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  const passed: [Path, number][] = []
  const flow: Flow = { passed: (from, length) => passed.push([from, length]), wait: () => 0 }
  peer.write("early ")
  asker.atFrame = () => ({ type: "join", paths: [toClient, toPeer], flow })
  // The bytes behind the frame look like another one.
  client.write(Buffer.concat([Buffer.from("\x04join"), Buffer.from("\x03not a frame")]))
  assert.equal(await read(peer, 12), "\x03not a frame")
  peer.write("answer")
  assert.equal(await read(client, 12), "early answer")
  client.write("\x00\x01\x02")
  assert.equal(await read(peer, 3), "\x00\x01\x02")
  assert.deepEqual(asker.heard, ["join"])
  const sum = (path: Path): number =>
    passed.reduce((all, [from, length]) => all + (from === path ? length : 0), 0)
  assert.deepEqual([sum(toClient), sum(toPeer)], [15, 12])
  assert.equal(asker.driver.streamCounters().joinedBytes, 27)
})

test("the beginning of a frame that was waited for goes along when streams are joined", async t => {
  const asker = new Asker(t)
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  client.write("\x01a\x09begun")
  await asker.until(() => asker.heard.length === 1)
  asker.ask({ type: "join", paths: [toPeer, toClient] })
  assert.equal(await read(peer, 6), "\x09begun")
})

for (const end of ["half-close", "reset"] as const)
  test(`as one of two joined streams ends by ${end}, the other does once what came before has left`, async t => {
    const asker = new Asker(t)
    const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
    asker.ask({ type: "join", paths: [toClient, toPeer] })
    const block = Buffer.alloc(50_000, "x")
    client.write(block)
    if (end === "half-close") client.end()
    else {
      assert.equal((await read(peer, block.length)).length, block.length)
      client.resetAndDestroy()
    }
    const rest = await peer.toArray()
    if (end === "half-close") assert.equal(Buffer.concat(rest).length, block.length)
    await asker.until(() => asker.closedPaths.length === 2)
    assert.deepEqual(new Set(asker.closedPaths), new Set([toClient, toPeer]))
    peer.end()
    assert.equal(asker.driver.streamCounters().open, 0)
  })

test("to close one of two joined streams is to close both, and nothing is told", async t => {
  const asker = new Asker(t)
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  asker.ask({ type: "join", paths: [toClient, toPeer] })
  client.write("last words")
  assert.equal(await read(peer, 10), "last words")
  asker.close(toPeer)
  assert.deepEqual([await client.toArray(), await peer.toArray()], [[], []])
  assert.deepEqual([asker.closedPaths, asker.driver.streamCounters().open], [[], 0])
})

test("who reads slowly holds the other up; little waits in between", async t => {
  const joinedQueue = 32 * 1024
  const asker = new Asker(t, { streams: { joinedQueue } })
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  asker.ask({ type: "join", paths: [toClient, toPeer] })
  const block = Buffer.alloc(256 * 1024, "x")
  const counters = asker.driver.streamCounters()
  let written = 0
  // The peer does not read: what is written stays where it is, once the system's buffers and ours are full.
  while (counters.queued < joinedQueue || client.writableLength < 16 * 1024 * 1024) {
    client.write(block)
    written += block.length
    await new Promise(setImmediate)
  }
  assert.ok(
    counters.queued >= joinedQueue && counters.queued <= joinedQueue + 128 * 1024,
    `${counters.queued}`,
  )
  assert.equal(counters.open, 2)
  client.end()
  let received = 0
  for await (const chunk of peer) received += (chunk as Buffer).length
  assert.deepEqual([received, counters.joinedBytes], [written, written])
})

test("who reads slowly takes no room from the frames of others", async t => {
  const asker = new Asker(t, { streams: { queueOfAll: 1, drain: 50 } })
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  const other = connect({ port: client.remotePort!, host: "127.0.0.1", noDelay: true })
  t.after(() => other.destroy())
  const { path } = await asker.told("accepted", 1)
  // What waited before it was joined waits as what is joined from then on.
  for (let i = 0; i < 4; i++) asker.say(toClient, "first")
  asker.ask({ type: "join", paths: [toClient, toPeer] })
  const block = Buffer.alloc(256 * 1024, "x")
  const counters = asker.driver.streamCounters()
  // The peer does not read: what is written stays where it is, once the system's buffers and ours are full.
  while (counters.queued < 1024) {
    client.write(block)
    await new Promise(setImmediate)
  }
  assert.ok(counters.queued <= 128 * 1024, `${counters.queued}`)
  asker.say(path, "heard")
  assert.equal(counters.sendDropped, 0)
  peer.destroy()
  await until(() => counters.open === 1 && counters.queued === 0)
  assert.equal(counters.joinedQueued, 0)
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

test("a machine says how long nothing is read", async t => {
  const asker = new Asker(t)
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  let passed = 0
  let isOpen = false
  let asked = 0
  const flow: Flow = {
    passed: (_from, length) => void (passed += length),
    wait: () => (asked++, isOpen || passed === 0 ? 0 : 20),
  }
  asker.ask({ type: "join", paths: [toClient, toPeer], flow })
  client.write("first")
  assert.equal(await read(peer, 5), "first")
  client.write("second")
  const before = asked
  // It is asked again, time after time, and nothing passes meanwhile.
  await until(() => asked >= before + 3)
  assert.equal(passed, 5)
  isOpen = true
  assert.equal(await read(peer, 6), "second")
})

test("a stream that nobody read from is reset when it is not wanted, and leaves nothing behind", async t => {
  const asker = new Asker(t)
  const { local } = await listening(asker, false)
  const socket = connect(local.port, "127.0.0.1")
  const { path } = await asker.told("accepted", 1)
  asker.close(path)
  const [error] = (await once(socket.resume(), "error")) as [NodeJS.ErrnoException]
  assert.equal(error.code, "ECONNRESET")
})

test("streams that are joined stay for as long as they say nothing", async t => {
  const asker = new Asker(t, { streams: { idle: 50 } })
  asker.holds = false
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  asker.ask({ type: "join", paths: [toClient, toPeer] })
  // One that came later, and that nobody keeps either, is closed when its time is over.
  asker.ask({ type: "listen", id: 5, family, port: 0, framing })
  const { local } = await asker.told("listening", 5)
  const late = connect(local.port, "127.0.0.1")
  await once(late.resume(), "close")
  client.write("still here")
  assert.equal(await read(peer, 10), "still here")
})

test("of streams that are none, or joined already, nothing comes but a fault", async t => {
  const faults: string[] = []
  const asker = new Asker(t, { onFault: error => faults.push((error as Error).message) })
  const { toClient, toPeer } = await twoStreams(t, asker)
  asker.ask({ type: "join", paths: [toClient, toClient] })
  asker.ask({ type: "join", paths: [toClient, toPeer + 100] })
  asker.ask({ type: "join", paths: [toClient, toPeer] })
  asker.ask({ type: "join", paths: [toPeer, toClient] })
  assert.equal(faults.length, 3)
  assert.match(faults[2]!, /^join: /)
})

test("closing the driver leaves nothing open: what listens, what is under way, what is joined", async t => {
  const asker = new Asker(t)
  const { client, peer, toClient, toPeer } = await twoStreams(t, asker)
  asker.ask({ type: "join", paths: [toClient, toPeer] })
  const silent = createServer()
  const port = await serve(t, silent)
  asker.ask({ type: "connect", id: 5, family, remote: { ip: LOOPBACK, port }, transport: "tls" })
  const [underWay] = (await once(silent, "connection")) as [NetSocket]
  asker.ask({ type: "listen", id: 6, family, port: 0 })
  await asker.driver.close()
  for (const socket of [client, peer, underWay]) {
    socket.resume().end()
    if (!socket.destroyed) await once(socket, "close")
  }
  assert.deepEqual([asker.closedPaths, asker.replies], [[], []])
})
