import assert from "node:assert/strict"
import { test } from "node:test"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { parseIp } from "@tightbeam/webrtc/bytes"
import type { Datagram, Machine, Out } from "@tightbeam/webrtc/contract"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { chooseIo, Driver, monotonicNow } from "@tightbeam/webrtc/net"
import { TurnClient, type TurnClientEvent, TurnServer, timeLimitedCredentials } from "@tightbeam/webrtc/turn"

const { createLoop, why } = chooseIo("auto")
const skip = createLoop === undefined ? why! : false

const LOOPBACK = "127.0.0.1"
/** Packets that are under way at once, and come in one batch each time: a wake-up costs something, a packet must not. */
const FEW = 10
const MANY = 60
/** Batches of one round; rounds of few and of many packets take turns. */
const BATCHES = 250
const ROUNDS = 16
const LENGTH = 160

/** Whoever sends something gets it back. */
class Echo implements Machine<never> {
  readonly nextTick = Infinity
  receive(d: Datagram, _now: number, out: Out<never>): void {
    out.forward(d, 0, d.length, d.path)
  }
  reply(): void {}
  tick(): void {}
}

test("on real sockets, ChannelData is relayed both ways without an allocation for each packet", {
  skip,
}, async t => {
  setFlagsFromString("--expose-gc")
  const collectGarbage = runInNewContext("gc") as () => void
  const loop = createLoop!()
  loop.start()
  t.after(() => loop.stop())
  const drive = <Event>(machine: Machine<Event>, onEvent?: (event: Event) => void): Driver<Event> => {
    const driver = new Driver(machine, {
      createIo: loop.createIo,
      clock: loop,
      bindAddresses: { 4: LOOPBACK },
      ...(onEvent && { onEvent }),
    })
    t.after(() => driver.close())
    return driver
  }
  const secret = new Uint8Array(32)
  const epoch = Date.now() - monotonicNow()
  const server = drive(
    new TurnServer({
      crypto: nodeCrypto,
      epoch,
      secrets: [secret],
      relayedAddress: { v4: parseIp(LOOPBACK)! },
      peers: { allow: [`${LOOPBACK}/32`] },
    }),
  )
  const { local: relay } = await server.listen({ address: LOOPBACK, port: 0 })
  const { local: peer } = await drive(new Echo()).listen({ address: LOOPBACK, port: 0 })

  /** Of the heap, for each batch that came back, round by round, bytes. */
  const perBatch: number[] = []
  const measured = Promise.withResolvers<void>()
  let size = MANY
  let before = 0
  let batches = 0
  let back = 0
  const client = new TurnClient({
    crypto: nodeCrypto,
    ...timeLimitedCredentials({
      crypto: nodeCrypto,
      secret,
      room: "blue",
      participant: "ada",
      expiry: Math.floor(Date.now() / 1000) + 3600,
    }),
    onData: (d, from, now, out) => {
      if (d.length !== LENGTH || from.port !== peer.port) measured.reject(new Error("not what was sent"))
      if (++back < size) return
      back = 0
      if (++batches === BATCHES) endRound()
      if (perBatch.length < ROUNDS) sendBatch(now, out)
    },
  })

  function endRound(): void {
    perBatch.push((process.memoryUsage().heapUsed - before) / BATCHES)
    if (perBatch.length === ROUNDS) return measured.resolve()
    size = size === MANY ? FEW : MANY
    batches = 0
    collectGarbage()
    before = process.memoryUsage().heapUsed
  }

  function sendBatch(now: number, out: Out<TurnClientEvent>): void {
    for (let i = 0; i < size; i++) {
      client.reserve(peer, LENGTH, now, out)
      client.commit(LENGTH, out)
    }
  }

  const bound = Promise.withResolvers<void>()
  const ada = drive(client, event => {
    if (event.type === "allocated") ada.command((now, out) => client.bindChannel(peer, now, out))
    else if (event.type === "channel-bound") bound.resolve()
    else if (event.type !== "permitted") bound.reject(new Error(event.type))
  })
  const { socket } = await ada.listen({ address: LOOPBACK, port: 0 })
  ada.command((now, out) => client.allocate(out.paths.open(socket, relay), now, out))
  await bound.promise
  ada.command(sendBatch)
  await measured.promise

  const perPacket: number[] = []
  for (let i = 0; i < ROUNDS; i += 2) perPacket.push((perBatch[i]! - perBatch[i + 1]!) / (MANY - FEW))
  // Code that is optimized between two rounds makes their difference mean nothing: of all, the one in the middle.
  const middle = perPacket.sort((a, b) => a - b)[ROUNDS / 4]!
  t.diagnostic(`${middle.toFixed(2)} bytes for each packet, ${perBatch.at(-1)!.toFixed(0)} for each batch`)
  // The smallest object has 12 bytes, and a packet that comes back was relayed twice and passed three drivers.
  assert.ok(middle < 6, `${perPacket.map(each => each.toFixed(1)).join(", ")} bytes for each packet`)
})
