import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { connect, createServer, type Socket as NetSocket, type Server } from "node:net"
import { after, before, type TestContext, test } from "node:test"
import { formatAddress } from "../bytes/index.ts"
import { type Datagram, type Framing, type Machine, NO_PATH, type Out, type Path } from "../contract/index.ts"
import { Driver, type DriverOptions } from "./driver.ts"

/** A frame begins with its whole length, 1–255, and is padded to four bytes. 0 is garbage. */
const framing: Framing = {
  longest: 256,
  frameLength: (bytes, at) => (bytes[at] === 0 ? -1 : (bytes[at]! + 3) & ~3),
  lengthOnStream: length => (length + 3) & ~3,
}

const frame = (text: string): Buffer => Buffer.from(`${String.fromCharCode(text.length + 1)}${text}`)
const padded = (text: string): Buffer => {
  const bytes = frame(text)
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}

let server: Server
let accept: (socket: NetSocket) => void
before(async () => {
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, socket => accept(socket))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
})
after(() => server.close())

type TestMachine = Partial<Machine<string>>

function text(d: Datagram): string {
  const at = d.offset + 1
  return Buffer.from(d.bytes.subarray(at, d.offset + d.bytes[d.offset]!)).toString()
}

function say(message: string, path: Path, out: Out<string>): void {
  const bytes = frame(message)
  const at = out.reserve(path, bytes.length)
  out.bytes.set(bytes, at)
  out.commit(bytes.length)
}

function run(t: TestContext, parts: TestMachine, options: DriverOptions<string> = {}): Driver<string> {
  const machine = { nextTick: Infinity, receive() {}, reply() {}, tick() {}, ...parts }
  const driver = new Driver<string>(machine, options)
  t.after(() => driver.close())
  accept = socket => driver.accept(socket, "tcp", framing)
  return driver
}

async function dial(t: TestContext): Promise<NetSocket> {
  const { port } = server.address() as { port: number }
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  socket.on("error", () => {})
  t.after(() => socket.destroy())
  await once(socket, "connect")
  return socket
}

/** The next so many bytes. */
async function read(socket: NetSocket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null
    if (bytes !== null) return bytes
    await once(socket, "readable")
  }
}

const closed = (socket: NetSocket): Promise<unknown> =>
  new Promise(resolve => socket.resume().once("close", resolve))

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

test("frames are datagrams of a path that says who sent them and over what", async t => {
  const heard: string[] = []
  run(t, {
    receive(d, _now, out) {
      heard.push(`${text(d)} ${formatAddress(out.paths.remote(d.path))} ${out.paths.transport(d.path)}`)
      say("ok", d.path, out)
    },
  })
  const socket = await dial(t)
  const from = `127.0.0.1:${socket.localPort}`
  socket.write(Buffer.concat([padded("hello"), padded("wor"), padded("ld").subarray(0, 2)]))
  assert.deepEqual(await read(socket, 8), Buffer.concat([padded("ok"), padded("ok")]))
  socket.write(padded("ld").subarray(2))
  assert.deepEqual(await read(socket, 4), padded("ok"))
  assert.deepEqual(heard, [`hello ${from} tcp`, `wor ${from} tcp`, `ld ${from} tcp`])
})

test("datagrams are forwarded from UDP to a stream, padded with zeros, and from a stream to UDP", async t => {
  let onStream: Path | undefined
  let onUdp: Path | undefined
  const driver = run(t, {
    receive(d, _now, out) {
      const isStream = out.paths.transport(d.path) === "tcp"
      if (isStream) onStream = d.path
      else onUdp = d.path
      out.paths.hold(d.path)
      const to = isStream ? onUdp : onStream
      if (to !== undefined) out.forward(d, 0, d.bytes[d.offset]!, to)
    },
  })
  const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
  const socket = await dial(t)
  socket.write(padded("first"))
  const udp = createSocket("udp4")
  t.after(() => udp.close())
  await until(() => onStream !== undefined)
  // What lies behind it in the datagram is not for the stream.
  udp.send(Buffer.concat([frame("data"), Buffer.from("secret")]), local.port, "127.0.0.1")
  assert.deepEqual(await read(socket, 8), padded("data"))
  socket.write(padded("back"))
  const [message] = (await once(udp, "message")) as [Buffer]
  assert.deepEqual(message, frame("back"))
})

test("that a stream ended is told once, and its path is nobody's afterwards", async t => {
  const told: Path[] = []
  const driver = run(
    t,
    {
      receive: (d, _now, out) => (out.paths.hold(d.path), out.tell("in")),
      closed(path, _now, out) {
        told.push(path)
        out.paths.release(path)
        out.tell("out")
      },
    },
    { onEvent: event => events.push(event) },
  )
  const events: string[] = []
  for (const leave of [
    (socket: NetSocket) => socket.end(),
    (socket: NetSocket) => socket.resetAndDestroy(),
  ]) {
    const socket = await dial(t)
    socket.write(padded("x"))
    await until(() => events.at(-1) === "in")
    leave(socket)
    await until(() => events.at(-1) === "out")
  }
  assert.equal(told.length, 2)
  assert.equal(driver.streamCounters().open, 0)
})

test("a machine may end a stream: what it said before still leaves, and it is told nothing", async t => {
  let calls = 0
  const driver = run(t, {
    receive(d, _now, out) {
      calls++
      say("bye", d.path, out)
      out.ask({ type: "close", socket: out.paths.socket(d.path) })
    },
    closed: () => void calls++,
  })
  const socket = await dial(t)
  socket.write(Buffer.concat([padded("one"), padded("two")]))
  assert.deepEqual(Buffer.concat(await socket.toArray()), padded("bye"))
  socket.end()
  assert.equal(calls, 1)
  assert.equal(driver.streamCounters().open, 0)
})

test("garbage ends a stream at once, as does a frame that is too long for a stranger", async t => {
  const told: Path[] = []
  const driver = run(
    t,
    { receive: (d, _now, out) => out.paths.hold(d.path), closed: (path, _now, out) => forget(path, out) },
    { streams: { strangersFrame: 16 } },
  )
  const forget = (path: Path, out: Out<string>): void => {
    told.push(path)
    if (told.length === 3) out.paths.release(path)
  }
  const garbage = await dial(t)
  garbage.write(Buffer.of(0))
  await closed(garbage)
  const tooLong = await dial(t)
  tooLong.write(Buffer.of(17))
  await closed(tooLong)
  const known = await dial(t)
  known.write(padded("known"))
  await until(() => driver.streamCounters().received >= 1)
  known.write(padded("a frame of more than sixteen bytes"))
  await until(() => driver.streamCounters().received >= 2)
  known.write(Buffer.of(0))
  await closed(known)
  assert.equal(driver.streamCounters().garbled, 3)
  assert.equal(told.length, 3)
})

test("who sends no whole frame is closed, byte by byte or half a frame alike, unless the machine holds the path", async t => {
  const held: Path[] = []
  const driver = run(
    t,
    {
      receive(d, _now, out) {
        if (text(d) !== "hold") return
        out.paths.hold(d.path)
        held.push(d.path)
      },
      closed: () => {},
    },
    { streams: { idle: 200 } },
  )
  const holder = await dial(t)
  holder.write(padded("hold"))
  const half = await dial(t)
  half.write(Buffer.of(200, 1, 2, 3))
  const ends = [closed(half)]
  const slow = await dial(t)
  ends.push(closed(slow))
  slow.write(Buffer.of(200))
  const drip = setInterval(() => slow.write(Buffer.of(7)), 5)
  await Promise.all(ends)
  clearInterval(drip)
  assert.deepEqual([driver.streamCounters().idle, driver.streamCounters().open], [2, 1])
  // Let go of, it is a stranger again.
  driver.command((_now, out) => out.paths.release(held[0]!))
  await closed(holder)
  assert.equal(driver.streamCounters().idle, 3)
})

test("a thousand idle connections cost their time and nothing else", async t => {
  const driver = run(
    t,
    { receive: (d, _now, out) => say("ok", d.path, out) },
    { streams: { idle: 300 }, paths: 1024 },
  )
  const ends: Promise<unknown>[] = []
  for (let i = 0; i < 1000; i++) {
    const socket = await dial(t)
    ends.push(closed(socket))
    socket.write(padded("hi"))
  }
  await Promise.all(ends)
  const { accepted, open, idle, queued } = driver.streamCounters()
  assert.deepEqual([accepted, open, idle, queued], [1000, 0, 1000, 0])
  const late = await dial(t)
  late.write(padded("hi"))
  assert.deepEqual(await read(late, 4), padded("ok"))
})

test("without a free path a connection is refused", async t => {
  const driver = run(t, {}, { paths: 1 })
  const paths: Path[] = []
  accept = socket => paths.push(driver.accept(socket, "tcp", framing))
  await dial(t)
  await closed(await dial(t))
  assert.deepEqual([driver.streamCounters().open, driver.streamCounters().refused], [1, 1])
  assert.deepEqual(paths, [0, NO_PATH])
})

test("who does not read loses data, has room for answers, and is closed when that does not change", async t => {
  const paths: Path[] = []
  const queue = 64 * 1024
  const driver = run(
    t,
    {
      receive(d, _now, out) {
        const isStream = out.paths.transport(d.path) === "tcp"
        if (isStream) paths.push(d.path)
        else for (let i = 0; i < 64; i++) out.forward(d, 0, d.length, paths[0]!)
      },
    },
    { streams: { queue, drain: 100 } },
  )
  const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
  const socket = await dial(t)
  socket.pause()
  socket.write(padded("first"))
  await until(() => paths.length !== 0)
  const udp = createSocket("udp4")
  t.after(() => udp.close())
  const counters = driver.streamCounters()
  const send = (): Promise<unknown> => {
    udp.send(Buffer.alloc(1400, 1), local.port, "127.0.0.1")
    return new Promise(setImmediate)
  }
  // Until the system's buffers are full, and then ours.
  while (counters.queued <= queue - 1400) await send()
  assert.ok(counters.queued <= queue)
  const { sent } = counters
  driver.command((_now, out) => say("answer", paths[0]!, out))
  assert.equal(counters.sent, sent + 1)
  while (counters.stalled === 0) await send()
  assert.ok(counters.sendDropped > 0)
  assert.deepEqual([counters.open, counters.stalled], [0, 1])
})

test("what waits on all streams together is bounded too", async t => {
  const paths: Path[] = []
  const driver = run(t, { receive: d => void paths.push(d.path) }, { streams: { queueOfAll: 1024 } })
  for (const socket of [await dial(t), await dial(t)]) socket.write(padded("hi"))
  await until(() => paths.length === 2)
  // Of what is said in one turn nothing has left yet.
  driver.command((_now, out) => {
    const block = "x".repeat(250)
    for (let i = 0; i < 1000; i++) say(block, paths[i % 2]!, out)
  })
  const { queued, sent, sendDropped } = driver.streamCounters()
  assert.ok(queued <= 1024 + 64 * 1024)
  assert.deepEqual([sent + sendDropped, sendDropped > 0], [1000, true])
})

test("who reads again in time stays", async t => {
  let path: Path | undefined
  const driver = run(
    t,
    {
      receive(d) {
        path = d.path
      },
    },
    { streams: { queue: 64 * 1024, drain: 60_000 } },
  )
  const socket = await dial(t)
  socket.write(padded("first"))
  await until(() => path !== undefined)
  const counters = driver.streamCounters()
  // It does not read until the system's buffers and ours are full.
  const block = "x".repeat(250)
  while (counters.sendDropped === 0)
    driver.command((_now, out) => {
      for (let i = 0; i < 1000; i++) say(block, path!, out)
    })
  let received = 0
  socket.on("data", (chunk: Buffer) => (received += chunk.length))
  await until(() => counters.queued <= 0)
  while (received < counters.sent * 252) await once(socket, "data")
  assert.deepEqual([counters.open, counters.stalled], [1, 0])
  driver.command((_now, out) => say("more", path!, out))
  await once(socket, "data")
})

test("closing the driver destroys its streams and tells the machine nothing", async t => {
  let told = 0
  const driver = run(t, { closed: () => void told++ })
  const socket = await dial(t)
  socket.write(padded("x"))
  await until(() => driver.streamCounters().received !== 0)
  const end = closed(socket)
  await driver.close()
  await end
  assert.equal(told, 0)
  const late = await dial(t)
  await closed(late)
})
