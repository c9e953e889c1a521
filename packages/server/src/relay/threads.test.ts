import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { describe, type TestContext, test } from "node:test"
import { chooseIo } from "@tightbeam/webrtc/net"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { Relay } from "./relay.ts"
import { RelayClient } from "./testing/relay-client.ts"

/** Not this machine's: what reaches it did not take the way through the network. */
const ANNOUNCED = "203.0.113.7"
const log = createLog({ level: "error", form: "json", write: line => assert.fail(line) })
const { createLoop, why } = chooseIo("auto")
const skip = createLoop === undefined ? why! : false

async function relayWith(t: TestContext, settings: object): Promise<Relay> {
  const relay = await Relay.start({
    turn: parseConfig({ turn: { address: "127.0.0.1", port: 0, ...settings } }).turn,
    native: "auto",
    announce: ANNOUNCED,
    secret: new Uint8Array(32).fill(1),
    listeners: [],
    log,
  })
  t.after(() => relay.close())
  return relay
}

function credentials(relay: Relay, participant: string): [string, string] {
  const { username = "", credential = "" } = relay.iceServers("blue", participant).iceServers[1]!
  return [username, credential]
}

async function overUdp(t: TestContext, relay: Relay, participant: string): Promise<RelayClient> {
  const client = await RelayClient.udp(relay.port, ...credentials(relay, participant))
  t.after(() => client.stop())
  return client
}

/** On a connection that the relay is given, as the TCP port gives it. */
async function overTcp(t: TestContext, relay: Relay, participant: string): Promise<RelayClient> {
  const listener = createServer(socket => relay.accept(socket, "tcp")).listen(0, "127.0.0.1")
  t.after(() => listener.close())
  await once(listener, "listening")
  const socket: Socket = connect((listener.address() as { port: number }).port, "127.0.0.1")
  await once(socket, "connect")
  const client = RelayClient.over(socket, "tcp", ...credentials(relay, participant))
  t.after(() => client.stop())
  return client
}

/** Says something both ways, each by the relayed address of the other. */
async function talk(
  one: RelayClient,
  onesPort: number,
  other: RelayClient,
  othersPort: number,
): Promise<void> {
  const hello = `hello ${othersPort}`
  assert.ok(one.send(ANNOUNCED, othersPort, hello))
  assert.deepEqual(await other.receive(), { from: `${ANNOUNCED}:${onesPort}`, text: hello })
  const answer = `hello ${onesPort}`
  assert.ok(other.send(ANNOUNCED, onesPort, answer))
  assert.deepEqual(await one.receive(), { from: `${ANNOUNCED}:${othersPort}`, text: answer })
}

describe("a relay on several threads", { skip }, () => {
  for (const how of ["by channels", "by indications"])
    test(`whichever threads two clients are on, they reach each other ${how}`, async t => {
      const relay = await relayWith(t, { workers: 3 })
      const clients = await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i < 6 ? overUdp : overTcp)(t, relay, `p${i}`)),
      )
      const ports = await Promise.all(clients.map(client => client.allocate()))
      assert.equal(new Set(ports).size, clients.length)
      if (how === "by indications")
        for (const client of clients) assert.equal(await client.permit(ANNOUNCED), 0)
      for (let i = 0; i < clients.length; i++)
        for (let j = 0; j < i; j++) {
          if (how === "by channels") {
            assert.equal(await clients[i]!.bind(ANNOUNCED, ports[j]!), 0)
            assert.equal(await clients[j]!.bind(ANNOUNCED, ports[i]!), 0)
          }
          await talk(clients[i]!, ports[i]!, clients[j]!, ports[j]!)
        }
      const { turn } = await relay.counters()
      assert.deepEqual(turn.allocationsOver, { udp: 6, tcp: 2, tls: 0 })
      assert.equal(turn.packetsToPeers, 56)
      assert.equal(turn.packetsToClients, 56)
    })

  test("a port of the range that nobody relays from is no peer, whatever else listens there", async t => {
    const relay = await relayWith(t, { workers: 2 })
    const ada = await overUdp(t, relay, "ada")
    const ben = await overUdp(t, relay, "ben")
    const [adasPort, bensPort] = [await ada.allocate(), await ben.allocate()]
    assert.equal(await ada.bind(ANNOUNCED, bensPort), 0)
    assert.equal(await ben.bind(ANNOUNCED, adasPort), 0)
    await talk(ada, adasPort, ben, bensPort)
    await ben.close()
    assert.ok(ada.send(ANNOUNCED, bensPort, "anybody there?"))
    let drops = 0
    while (drops === 0) drops = (await relay.counters()).turn.drops["no-such-relay"]
    assert.equal(drops, 1)
  })

  test("quotas, ports and the end of a participant are of all threads together", async t => {
    const quotas = { allocationsPerUser: 3, allocationsPerRoom: 5 }
    // Below those that the system gives to whoever asks for any.
    const relayPorts = { min: 21_000, max: 21_003 }
    const relay = await relayWith(t, { workers: 2, quotas, relayPorts })
    const kinds = [overUdp, overUdp, overTcp, overUdp, overTcp]
    const adas = await Promise.all(kinds.map(over => over(t, relay, "ada")))
    const ports: number[] = []
    for (const client of adas) ports.push(await client.allocate())
    assert.deepEqual(
      ports.map(port => port > 0),
      [true, true, true, false, false],
      "486",
    )
    const bens = [await overUdp(t, relay, "ben"), await overTcp(t, relay, "ben")]
    assert.deepEqual(
      [(await bens[0]!.allocate()) > 0, await bens[1]!.allocate()],
      [true, 0],
      "508: no port is left",
    )
    let { turn } = await relay.counters()
    assert.deepEqual([turn.allocations, turn.freePorts, turn.errors[486], turn.errors[508]], [4, 0, 2, 1])

    relay.revoke("blue", "ada")
    // Once all threads have answered, all have done it: ports are counted as the first that is asked sees them.
    await relay.counters()
    turn = (await relay.counters()).turn
    assert.deepEqual([turn.allocations, turn.freePorts], [1, 3])
    assert.equal(await (await overUdp(t, relay, "ada")).allocate(), 0, "their credentials are worth nothing")
    assert.ok((await bens[1]!.allocate()) > 0)
    const { rooms } = await relay.cost()
    const had = rooms[0]!.participants.map(
      ({ participant, over }) => `${participant}: ${over.udp?.allocations} udp, ${over.tcp?.allocations} tcp`,
    )
    assert.deepEqual(new Set(had), new Set(["ada: 2 udp, 1 tcp", "ben: 1 udp, 1 tcp"]))
  })

  test("what ends while the threads are asked costs once", async t => {
    const relay = await relayWith(t, { workers: 2 })
    const ada = await overTcp(t, relay, "ada")
    assert.ok((await ada.allocate()) > 0)
    const [cost, reading] = [relay.cost(), relay.reading()]
    relay.revoke("blue", "ada")
    const had = ({ allocations = 0, live = 0 } = {}): number[] => [allocations, live]
    assert.deepEqual(had((await cost).total.tcp), [1, 0])
    assert.deepEqual(had((await cost).rooms[0]!.total.tcp), [1, 0])
    assert.deepEqual(had((await reading).total.tcp), [1, 1], "as it was when it was asked for")
    assert.deepEqual(had((await relay.reading()).total.tcp), [1, 0])
  })

  test("draining waits for the last allocation, on whichever thread it is", async t => {
    const relay = await relayWith(t, { workers: 2 })
    const clients = await Promise.all([overUdp, overUdp, overTcp].map((over, i) => over(t, relay, `p${i}`)))
    for (const client of clients) assert.ok((await client.allocate()) > 0)
    let isDrained = false
    const drained = relay.drain().then(() => (isDrained = true))
    for (const client of clients) {
      assert.equal(isDrained, false)
      await client.close()
    }
    await drained
  })

  test("a client that comes from another address begins anew there, as the RFC says", async t => {
    const relay = await relayWith(t, { workers: 2 })
    const before = await overUdp(t, relay, "ada")
    const port = await before.allocate()
    await before.stop()
    // Many, since a new address is on the other thread half of the time.
    for (let i = 0; i < 8; i++) {
      const after = await overUdp(t, relay, "ada")
      assert.notEqual(await after.allocate(), port)
    }
    assert.equal((await relay.counters()).turn.allocations, 9, "the one left behind expires in its time")
  })

  test("a process that ends does not wait for each thread to look up", async () => {
    const script = `
      import { parseConfig } from ${JSON.stringify(import.meta.resolve("../config/schema.ts"))}
      import { createLog } from ${JSON.stringify(import.meta.resolve("../log/index.ts"))}
      import { Relay } from ${JSON.stringify(import.meta.resolve("./relay.ts"))}
      await Relay.start({
        turn: parseConfig({ turn: { address: "127.0.0.1", port: 0, workers: 4 } }).turn,
        native: "auto",
        announce: "127.0.0.1",
        secret: new Uint8Array(32),
        listeners: [],
        log: createLog({ level: "error", form: "json", write: line => process.stderr.write(line) }),
      })
      process.on("exit", () => process.stdout.write(String(Date.now())))
      process.exit(7)`
    const args = ["--conditions=@tightbeam/source", "-e", script]
    const { promise, resolve } = Promise.withResolvers<{ code: unknown; took: number; said: string }>()
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error?.code, took: Date.now() - Number(stdout), said: stderr }),
    )
    const { code, took, said } = await promise
    assert.deepEqual([code, said], [7, ""])
    assert.ok(took < 1_000, `${took} ms: they look up once a second`)
  })

  test("a participant may leave after the relay did, and it may be closed twice", async t => {
    const relay = await relayWith(t, { workers: 1 })
    await Promise.all([relay.close(), relay.close()])
    relay.revoke("blue", "ada")
  })

  for (const workers of [1, 2])
    test(`a port that is taken is named, and no thread stays; with ${workers}`, async t => {
      const relay = await relayWith(t, { workers })
      await assert.rejects(relayWith(t, { workers, port: relay.port }), {
        name: "ListenError",
        code: "EADDRINUSE",
      })
    })
})
