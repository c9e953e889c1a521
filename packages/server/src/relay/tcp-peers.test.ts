import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { type TestContext, test } from "node:test"
import type { Evidence } from "@tightbeam/webrtc/contract"
import { TRANSPORT_TCP } from "@tightbeam/webrtc/stun"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { Relay } from "./relay.ts"
import { TurnClient } from "./testing/turn-client.ts"

const V4 = "127.0.0.1"
/** Node has had what it takes since 26.4. */
const SHARES_PORTS = process.platform === "linux" && "BoundSocket" in (await import("node:net"))

interface World {
  readonly relay: Relay
  readonly evidence: readonly Evidence[]
  /** A connection to the relay, of a user. */
  readonly dial: (participant?: string) => Promise<TurnClient<Socket>>
}

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, V4)
  await once(server, "listening")
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

async function run(t: TestContext, turn: object = {}): Promise<World> {
  const evidence: Evidence[] = []
  const relay = await Relay.start({
    turn: parseConfig({
      turn: { address: V4, port: 0, workers: 0, tcpPeers: true, allowPeers: ["127.0.0.0/8"], ...turn },
    }).turn,
    native: "off",
    announce: V4,
    secret: new Uint8Array(32),
    listeners: [],
    log: createLog({ level: "warn", form: "json", write: line => assert.fail(line) }),
    onEvidence: each => evidence.push(each),
  })
  const front = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, socket =>
    relay.accept(socket, "tcp"),
  )
  const port = await listen(t, front)
  t.after(() => relay.close())
  // A participant has one username for all of its connections: what is made in the next second has another expiry.
  const credentials = new Map<string, { username: string; credential: string }>()
  const credentialsOf = (participant: string) => {
    const { username = "", credential = "" } = relay.iceServers("blue", participant).iceServers[1]!
    const known = credentials.get(participant) ?? { username, credential }
    credentials.set(participant, known)
    return known
  }
  const dial = async (participant = "ada"): Promise<TurnClient<Socket>> => {
    const { username, credential } = credentialsOf(participant)
    const socket = connect({ port, host: V4, noDelay: true, allowHalfOpen: true })
    socket.on("error", () => {})
    t.after(() => socket.destroy())
    await once(socket, "connect")
    return TurnClient.over(socket, username, credential)
  }
  return { relay, evidence, dial }
}

/** Who listens, and the connections that came, unread. */
async function peers(t: TestContext): Promise<{ port: number; readonly next: () => Promise<Socket> }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  const came: Socket[] = []
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {})
    t.after(() => socket.destroy())
    came.push(socket)
  })
  const port = await listen(t, server)
  const next = async (): Promise<Socket> => {
    while (came.length === 0) await once(server, "connection")
    return came.shift()!
  }
  return { port, next }
}

async function read(socket: Socket, length: number): Promise<string> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null
    if (bytes !== null) return bytes.toString()
    await once(socket, "readable")
  }
}

async function closed(socket: Socket): Promise<void> {
  socket.resume().end()
  if (!socket.destroyed) await new Promise(resolve => void socket.once("close", resolve))
}

test("a client connects to a peer from its relayed address; what both say early comes through as it is", async t => {
  const { relay, evidence, dial } = await run(t)
  const { port, next } = await peers(t)
  const control = await dial()
  const relayed = await control.allocate(TRANSPORT_TCP)
  assert.ok(relayed > 0)
  const connected = control.connect(V4, port)
  const peer = await next()
  if (SHARES_PORTS) assert.equal(peer.remotePort, relayed)
  peer.write("220 hello\r\n")
  const { id } = await connected
  const data = await dial()
  assert.equal(await data.connectionBind(id, Buffer.from("\x00\x01 raw!")), 0)
  assert.equal(await read(data.socket, 11), "220 hello\r\n")
  assert.equal(await read(peer, 8), "\x00\x01 raw!\x00", "padded by the client's framing")
  data.socket.write("more")
  assert.equal(await read(peer, 4), "more")
  // The control connection is what it was.
  assert.equal((await control.connect(V4, port)).code, 446)
  assert.equal((await relay.counters()).turn.connections, 1)
  const [usage] = Object.values((await relay.cost()).total)
  assert.deepEqual([usage!.bytesToPeers, usage!.bytesToClients], [12, 11])
  assert.deepEqual(
    evidence.map(({ kind }) => kind).filter(kind => kind !== "refused"),
    ["allocated", "peer-connected", "connection-bound"],
  )
})

test("a peer with a permission connects to the relayed address, and is told to the client", async t => {
  const { dial } = await run(t)
  const control = await dial()
  const relayed = await control.allocate(TRANSPORT_TCP)
  const stranger = connect(relayed, V4)
  stranger.on("error", () => {})
  await closed(stranger)
  assert.equal(await control.permit(V4, 1), 0)
  const peer = connect({ port: relayed, host: V4 })
  t.after(() => peer.destroy())
  peer.write("knock")
  const { id, port } = await control.attempt()
  assert.equal(port, peer.localPort)
  const data = await dial()
  assert.equal(await data.connectionBind(id), 0)
  assert.equal(await read(data.socket, 5), "knock")
  data.socket.write("come in")
  assert.equal(await read(peer, 7), "come in")
})

test("two clients of one relay reach each other by their relayed addresses", async t => {
  const { dial } = await run(t)
  const [ada, ben] = [await dial("ada"), await dial("ben")]
  const [adas, bens] = [await ada.allocate(TRANSPORT_TCP), await ben.allocate(TRANSPORT_TCP)]
  await ben.permit(V4, 1)
  const [{ id: toBen }, attempt] = await Promise.all([ada.connect(V4, bens), ben.attempt()])
  if (SHARES_PORTS) assert.equal(attempt.port, adas)
  const [one, other] = [await dial("ada"), await dial("ben")]
  // Each is its user's alone.
  assert.equal(await (await dial("ben")).connectionBind(toBen), 400)
  assert.equal(await one.connectionBind(toBen), 0)
  assert.equal(await other.connectionBind(attempt.id), 0)
  one.socket.write("hello ben")
  assert.equal(await read(other.socket, 9), "hello ben")
})

test("megabytes go through in order however slowly they are read, and as one end closes so does the other", async t => {
  const { relay, dial } = await run(t)
  const { port, next } = await peers(t)
  const control = await dial()
  await control.allocate(TRANSPORT_TCP)
  const [{ id }, peer] = await Promise.all([control.connect(V4, port), next()])
  const data = await dial()
  await data.connectionBind(id)
  const all = randomBytes(8_000_000)
  data.socket.end(all)
  const parts: Buffer[] = []
  for await (const part of peer) {
    parts.push(part as Buffer)
    // Slowly: the relay may not read on meanwhile.
    if (parts.length % 16 === 0) await new Promise(setImmediate)
    assert.ok((await relay.counters()).streams.queued <= 256 * 1024)
  }
  assert.ok(Buffer.concat(parts).equals(all))
  // The client said that it had no more: the relay closes both ways (RFC 6062 §5.5).
  await closed(data.socket)
  assert.equal((await relay.counters()).turn.connections, 0)
  assert.equal(await control.refresh(600), 600)
})

test("a client that leaves, or is sent out, takes all its connections along", async t => {
  for (const how of ["hangs up", "is revoked", "gives back"] as const) {
    const { relay, evidence, dial } = await run(t)
    const { port, next } = await peers(t)
    const control = await dial()
    await control.allocate(TRANSPORT_TCP)
    const [{ id }, peer] = await Promise.all([control.connect(V4, port), next()])
    const data = await dial()
    await data.connectionBind(id)
    if (how === "hangs up") control.socket.destroy()
    else if (how === "is revoked") relay.revoke("blue", "ada")
    else await control.refresh(0)
    await Promise.all([closed(peer), closed(data.socket)])
    assert.equal((await relay.counters()).turn.connections, 0)
    const ended = evidence.find(each => each.kind === "peer-disconnected")
    assert.ok(ended?.kind === "peer-disconnected" && ended.reason === "allocation-freed")
  }
})

test("bandwidth is capped by reading no faster", async t => {
  const { dial } = await run(t, { quotas: { allocationBytesPerSecond: 200_000 } })
  const { port, next } = await peers(t)
  const control = await dial()
  await control.allocate(TRANSPORT_TCP)
  const [{ id }, peer] = await Promise.all([control.connect(V4, port), next()])
  const data = await dial()
  await data.connectionBind(id)
  const began = performance.now()
  // A second's worth at once, and as much again a quarter of a second later.
  data.socket.write(Buffer.alloc(200_000 + 65_536 + 50_000))
  let received = 0
  while (received < 315_536) {
    const [part] = (await once(peer.resume(), "data")) as [Buffer]
    received += part.length
  }
  const took = performance.now() - began
  assert.ok(took > 200, `${took} ms`)
})

test("a peer that is not there, or may be none, is told; where it is off there is none of it", async t => {
  const { dial } = await run(t, { allowPeers: ["127.0.0.2"] })
  const control = await dial()
  await control.allocate(TRANSPORT_TCP)
  assert.equal((await control.connect(V4, 80)).code, 403)
  assert.equal((await control.connect("127.0.0.2", 1)).code, 447)
  const off = await run(t, { tcpPeers: false })
  assert.equal(await (await off.dial()).allocate(TRANSPORT_TCP), 0)
})
