import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { DataChannels } from "./data-channels.ts"
import type { FakePeerConnection } from "./testing/fake-peer-connection.ts"
import { settle, World } from "./testing/world.ts"

function channels() {
  const { connections } = new World()
  const it = new DataChannels({ opened: () => {}, message: () => {} })
  const connect = () => {
    const pc = connections.create({})
    it.open(pc)
    return (pc as unknown as FakePeerConnection).channels.get(0)!
  }
  return { it, connect }
}

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
    const { it, connect } = channels()
    const sends = [it.send("reliable", "one"), it.send("reliable", "two")]
    connect()
    assert.equal(await settled(sends), 0)
    it.detach()
    const channel = connect()
    channel.open()
    assert.equal(await settled(sends), 2)
    assert.deepEqual(channel.sent, ["one", "two"])
  })

  test("a send waits while the channel is full", async () => {
    const { it, connect } = channels()
    const channel = connect()
    channel.open()
    channel.bufferedAmount = 2 * 1024 * 1024
    const send = it.send("reliable", "one")
    assert.equal(await settled([send]), 0)
    channel.drain()
    await send
  })

  test("who does not wait for a slow channel is refused after 16 MiB, and may go on once they are through", async () => {
    const { it, connect } = channels()
    const channel = connect()
    const waiting = Array.from({ length: 16 }, () => it.send("reliable", MEGABYTE))
    await assert.rejects(it.send("reliable", "x"), { code: "send-queue-full" })
    await assert.rejects(it.sendAlong("reliable", "x"), { code: "send-queue-full" })
    channel.open()
    await Promise.all(waiting)
    await it.send("reliable", "x")
    assert.equal(channel.sent.length, 17)
  })

  test("what goes to everybody does not wait for who cannot be reached, nor for a second connection", async () => {
    const { it, connect } = channels()
    connect()
    const first = it.sendAlong("reliable", "first")
    assert.equal(await settled([first]), 0)
    it.reaches(false)
    await first
    await it.sendAlong("reliable", "dropped")
    it.detach()
    const channel = connect()
    it.reaches(true)
    channel.open()
    await it.sendAlong("reliable", "after")
    assert.deepEqual(channel.sent, ["first", "after"])
  })

  test("who left rejects what waits for them", async () => {
    const { it, connect } = channels()
    connect()
    const send = it.send("reliable", "one")
    it.close()
    await assert.rejects(send)
  })
})
