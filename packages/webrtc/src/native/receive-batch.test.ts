import assert from "node:assert/strict"
import { after, describe, test } from "node:test"
import fc from "fast-check"
import { parseIp } from "../bytes/index.ts"
import { type Libc, loadLibc } from "./libc.ts"
import { MAX_DATAGRAM } from "./linux.ts"
import { Memory } from "./memory.ts"
import { ReceiveBatch } from "./receive-batch.ts"
import { SendQueue } from "./send-queue.ts"
import { UdpSockets } from "./udp-sockets.ts"

const libc = loadLibc()
const sockets = UdpSockets.load()
const why = [libc, sockets].find(each => typeof each === "string")
const ROOM = 64

describe("Datagrams that the kernel hands over as one message", { skip: why ?? false }, () => {
  const fds: number[] = []
  after(() => {
    for (const fd of fds) (sockets as UdpSockets).close(fd)
  })
  const open = (merged: boolean) => {
    const options = { dualStack: false, merged, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 }
    const opened = (sockets as UdpSockets).open({ ip: parseIp("127.0.0.1")!, port: 0 }, options)
    assert.ok("fd" in opened, JSON.stringify(opened))
    fds.push(opened.fd)
    return opened
  }
  const memory = new Memory(libc as Libc, 1 << 20)
  const counters = { sent: 0, sentBytes: 0, sendDropped: 0, sendErrors: 0 }

  test("each comes with its own bytes and sender, and room around it that is nobody else's", () => {
    const to = open(true)
    const from = [open(false), open(false)]
    const queue = new SendQueue(libc as Libc, 256, 2, counters, true)
    const batch = new ReceiveBatch(libc as Libc, 4, { head: ROOM, tail: ROOM }, true)
    const sender = { at: 0, length: 0, port: 0 }
    const burst = fc.record({
      from: fc.nat(1),
      count: fc.integer({ min: 1, max: 64 }),
      length: fc.constantFrom(0, 1, 160, 1000),
      last: fc.nat(1000),
    })
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 12 }), bursts => {
        const sent: { port: number; bytes: string }[] = []
        for (const [b, { from: f, count, length, last }] of bursts.entries()) {
          const { fd, local } = from[f]!
          for (let i = 0, at = 0; i < count; i++) {
            const size = i === count - 1 ? Math.min(last, length) : length
            memory.bytes.fill(b * 16 + i, at, at + size)
            sent.push({
              port: local.port,
              bytes: Buffer.from(memory.bytes.subarray(at, at + size)).toString("hex"),
            })
            queue.add(f, { fd, family: 4, ...to.local }, memory, at, size)
            at += size
          }
          queue.flush()
        }
        const got: { port: number; bytes: string }[] = []
        for (let count = batch.receive(to.fd, 0); count > 0; count = batch.receive(to.fd, 0)) {
          // As machines do: a header in front, padding behind, of one after the other.
          const own = Array.from({ length: count }, (_, i) => {
            batch.sender(i, sender)
            const at = batch.offset(i)
            const end = at + batch.length(i)
            const bytes = Buffer.from(batch.memory.bytes.subarray(at, end)).toString("hex")
            batch.memory.bytes.fill(0xff, at - ROOM, at)
            batch.memory.bytes.fill(0xff, end, end + ROOM)
            return { port: sender.port, bytes }
          })
          got.push(...own)
        }
        const of = (all: typeof sent, port: number) =>
          all.filter(each => each.port === port).map(({ bytes }) => bytes)
        for (const { local } of from) assert.deepEqual(of(got, local.port), of(sent, local.port))
        assert.equal(got.length, sent.length)
      }),
      { numRuns: 100 },
    )
  })

  test("a burst is one message, and the largest datagram arrives", t => {
    let messages = 0
    const counting: Libc = {
      ...(libc as Libc),
      recvmmsg: (...args) => {
        const count = (libc as Libc).recvmmsg(...args)
        messages += Math.max(count, 0)
        return count
      },
    }
    const [from, to] = [open(false), open(true)]
    const route = { fd: from.fd, family: 4, ...to.local } as const
    const queue = new SendQueue(libc as Libc, 64, 1, counters, true)
    const batch = new ReceiveBatch(counting, 64, { head: ROOM, tail: ROOM }, true)
    for (let i = 0; i < 10; i++) queue.add(0, route, memory, i * 1200, 1200)
    queue.flush()
    assert.equal(batch.receive(to.fd, 0), 10)
    if (messages === 10) t.diagnostic("This kernel merges none.")
    else assert.equal(messages, 1)
    queue.add(0, route, memory, 0, MAX_DATAGRAM)
    queue.flush()
    assert.equal(batch.receive(to.fd, 0), 1)
    assert.equal(batch.length(0), MAX_DATAGRAM)
  })
})
