import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { test } from "node:test"
import { setImmediate } from "node:timers/promises"
import { parseConfig } from "../config/schema.ts"
import { createLog } from "../log/index.ts"
import { Relay } from "./relay.ts"

/** A STUN Binding request; the answer to it has 32 bytes. */
const BINDING = Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12).fill(7))

test("strangers are answered as much as turn.quotas says, and others at another address all the same", async t => {
  const quotas = { strangersBytesPerSecond: 1, strangersBurst: 60 }
  const relay = await Relay.start({
    native: "auto",
    turn: parseConfig({ turn: { address: "127.0.0.1", port: 0, quotas } }).turn,
    announce: "127.0.0.1",
    secret: new Uint8Array(32),
    listeners: [],
    log: createLog({ level: "error", form: "json", write: line => assert.fail(line) }),
  })
  t.after(() => relay.close())
  const client = createSocket("udp4")
  t.after(() => client.close())
  const answers: unknown[] = []
  const two = Promise.withResolvers<void>()
  client.on("message", answer => {
    if (answers.push(answer) === 2) two.resolve()
  })
  for (let i = 0; i < 10; i++) client.send(BINDING, relay.port, "127.0.0.1")
  while ((await relay.counters()).udp.received < 10) await setImmediate()
  assert.equal((await relay.counters()).turn.drops["over-budget"], 8)
  if (process.platform === "linux") {
    const other = createSocket("udp4")
    t.after(() => other.close())
    other.bind(0, "127.0.0.2")
    await once(other, "listening")
    other.send(BINDING, relay.port, "127.0.0.1")
    await once(other, "message")
  }
  await two.promise
  assert.equal(answers.length, 2)
})
