import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { DataChannels } from "./data-channels.ts"
import { Deliveries } from "./delivery.ts"
import type { FakePeerConnection } from "./testing/fake-peer-connection.ts"
import { settle, World } from "./testing/world.ts"

function channels() {
  const world = new World()
  const it = new DataChannels({
    peer: "ben",
    clock: world.clock,
    deliveries: new Deliveries(world.clock),
    opened: () => {},
    message: data => heard.push(data),
    closed: () => {},
    returned: () => {},
  })
  const heard: unknown[] = []
  const connect = () => {
    const pc = world.connections.create({})
    it.open(pc)
    return (pc as unknown as FakePeerConnection).channels.get(0)!
  }
  const send = (data: string) => it.send("reliable", { data, order: 0 })
  const sendAlong = (data: string) => it.sendAlong("reliable", { data, order: 0 })
  return { world, it, heard, connect, send, sendAlong }
}

/** The messages that a channel was given, without what the two ends say to each other. */
const messages = ({ sent }: { sent: readonly unknown[] }) =>
  sent.filter(each => typeof each === "string" && !each.startsWith("["))

/** How many of these have settled. */
async function settled(promises: readonly Promise<unknown>[]): Promise<number> {
  let count = 0
  for (const each of promises) void each.catch(() => {}).then(() => count++)
  await settle()
  return count
}

const MEGABYTE = "x".repeat(1024 * 1024)

describe("DataChannels", () => {
  test("keep the order, wait for an open channel, and outlive a connection", async () => {
    const { it, connect, send } = channels()
    const sends = [send("one"), send("two")]
    connect()
    assert.equal(await settled(sends), 0)
    it.detach()
    const channel = connect()
    channel.open()
    assert.equal(await settled(sends), 2)
    assert.deepEqual(messages(channel), ["one", "two"])
  })

  test("a send waits while the channel is full", async () => {
    const { connect, send } = channels()
    const channel = connect()
    channel.open()
    channel.bufferedAmount = 2 * 1024 * 1024
    const sent = send("one")
    assert.equal(await settled([sent]), 0)
    channel.drain()
    await sent
  })

  test("a send waits while the peer acknowledges nothing, and who sends to everybody goes on after 5 s", async () => {
    const { world, connect, send, sendAlong } = channels()
    const channel = connect()
    channel.open()
    for (let i = 0; i < 8; i++) await send(MEGABYTE)
    const waits = send("one")
    assert.equal(await settled([waits]), 0)
    const along = sendAlong("two")
    await world.run(4900)
    assert.equal(await settled([along]), 0)
    await world.run(200)
    await along
    await sendAlong("three")
    assert.equal(await settled([waits]), 0)
    channel.onmessage!({ data: '["ack",8]' })
    await waits
    assert.deepEqual(messages(channel).slice(-3), ["one", "two", "three"])
  })

  test("who does not wait for a slow channel is refused after 16 MiB, and may go on once they are through", async () => {
    const { connect, send, sendAlong } = channels()
    const channel = connect()
    const waiting = Array.from({ length: 16 }, () => send(MEGABYTE))
    await assert.rejects(send("x"), { code: "send-queue-full" })
    await assert.rejects(sendAlong("x"), { code: "send-queue-full" })
    channel.open()
    channel.onmessage!({ data: '["ack",8]' })
    channel.onmessage!({ data: '["ack",16]' })
    await Promise.all(waiting)
    await send("x")
    assert.equal(messages(channel).length, 17)
  })

  test("what goes to everybody does not wait for who cannot be reached, nor for a second connection", async () => {
    const { it, connect, sendAlong } = channels()
    connect()
    const first = sendAlong("first")
    assert.equal(await settled([first]), 0)
    it.reaches(false)
    await first
    await sendAlong("kept")
    it.detach()
    const channel = connect()
    it.reaches(true)
    channel.open()
    await sendAlong("after")
    assert.deepEqual(messages(channel), ["first", "kept", "after"])
  })

  test("who cannot be reached bounds what is kept for them: the rest passes them by, in silence", async () => {
    const { it, connect, sendAlong } = channels()
    it.reaches(false)
    for (let i = 0; i < 20; i++) await sendAlong(MEGABYTE)
    const channel = connect()
    channel.open()
    channel.onmessage!({ data: '["ack",8]' })
    assert.equal(messages(channel).length, 16)
  })

  test("who left rejects what waits for them", async () => {
    const { it, connect, send } = channels()
    connect()
    const sent = send("one")
    it.close(false)
    await assert.rejects(sent)
  })

  test("who is back as another is known, though the channel opens before the browser tells what they described", () => {
    const world = new World()
    const deliveries = new Deliveries(world.clock)
    const returned: string[] = []
    const nothing = () => {}
    const reach = (peer: string, remoteDescription: RTCSessionDescriptionInit | null) => {
      const it = new DataChannels({
        peer,
        clock: world.clock,
        deliveries,
        opened: nothing,
        message: nothing,
        closed: nothing,
        returned: before => returned.push(`${before} is ${peer}`),
      })
      const pc = world.connections.create({})
      Object.defineProperty(pc, "remoteDescription", { value: remoteDescription })
      it.open(pc)
      it.describe(sdp)
      ;(pc as unknown as FakePeerConnection).channels.get(0)!.open()
      return it
    }
    const sdp = "a=fingerprint:sha-256 AB:CD\r\n"
    reach("ben", { type: "answer", sdp }).close(true)
    reach("ben2", null).close(true)
    reach("ben3", { type: "offer", sdp })
    assert.deepEqual(returned, ["ben is ben2", "ben2 is ben3"])
  })

  test("what a stranger says between the channels never throws, and frees nothing that was not sent", async () => {
    const { it, heard, connect, send } = channels()
    const channel = connect()
    channel.open()
    await send("one")
    const nonsense = [
      "[",
      "[]",
      '["from"]',
      '["from","s",-1]',
      '["from","s",1e99]',
      '["from",1,1]',
      '["ack"]',
    ]
    for (const data of [
      ...nonsense,
      '["ack",-1]',
      '["ack",2]',
      '["ack","1"]',
      '["ack",0.5]',
      "[[[",
      "[null]",
    ])
      channel.onmessage!({ data })
    channel.onmessage!({ data: "unnumbered" })
    assert.deepEqual(heard, [])
    it.detach()
    const next = connect()
    next.open()
    assert.deepEqual(messages(next), ["one"])
  })
})
