import assert from "node:assert/strict"
import { after, describe, test } from "node:test"
import fc from "fast-check"
import { type Address, parseIp } from "../bytes/index.ts"
import { Fragmentation } from "./fragmentation.ts"
import { type Libc, loadLibc } from "./libc.ts"
import { EAGAIN, EIO, IP_MTU_DISCOVER, IPPROTO_IP, MAX_DATAGRAM, PMTUDISC_DO } from "./linux.ts"
import { Memory } from "./memory.ts"
import { ReceiveBatch } from "./receive-batch.ts"
import { type SendCounters, SendQueue } from "./send-queue.ts"
import { UdpSockets } from "./udp-sockets.ts"

const libc = loadLibc()
const sockets = UdpSockets.load()
const why = [libc, sockets].find(each => typeof each === "string")

describe("Many datagrams by one system call", { skip: why ?? false }, () => {
  const fds: number[] = []
  after(() => {
    for (const fd of fds) (sockets as UdpSockets).close(fd)
  })
  const buffers = { dualStack: true, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 }

  function open(ip: string): { fd: number; family: 4 | 6; local: Address } {
    const opened = (sockets as UdpSockets).open({ ip: parseIp(ip)!, port: 0 }, buffers)
    assert.ok("fd" in opened, JSON.stringify(opened))
    fds.push(opened.fd)
    return { fd: opened.fd, family: ip.includes(":") ? 6 : 4, local: opened.local }
  }

  const counters = (): SendCounters => ({ sent: 0, sentBytes: 0, sendDropped: 0, sendErrors: 0 })
  const received = new ReceiveBatch(libc as Libc, 64, { head: 64, tail: 64 })
  const memory = new Memory(libc as Libc, 1 << 20)

  /** All that waits on a socket: what the loopback carries is there when the send returns. */
  function arrived(fd: number): { bytes: Uint8Array; ip: Uint8Array; port: number }[] {
    const all = []
    const sender = { at: 0, length: 0, port: 0 }
    for (let count = received.receive(fd, 0); count > 0; count = received.receive(fd, 0))
      for (let i = 0; i < count; i++) {
        const at = received.offset(i)
        received.sender(i, sender)
        all.push({
          bytes: received.memory.bytes.slice(at, at + received.length(i)),
          ip: received.names.slice(sender.at, sender.at + sender.length),
          port: sender.port,
        })
      }
    return all
  }

  test("all arrive, at each destination in order, whatever their sizes and destinations", () => {
    const from = [open("127.0.0.1"), open("127.0.0.1")]
    const to = [open("127.0.0.1"), open("127.0.0.1"), open("127.0.0.1")]
    const counted = counters()
    const queue = new SendQueue(libc as Libc, 128, 6, counted, true)
    const datagram = fc.record({
      from: fc.nat(1),
      to: fc.nat(2),
      length: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(1200, 1200, 1199, 160) },
        fc.constantFrom(0, 1, 9000),
      ),
    })
    let sum = 0
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 300 }), datagrams => {
        // The kernel would drop what no buffer holds.
        fc.pre(datagrams.reduce((bytes, { length }) => bytes + length + 800, 0) < 1 << 20)
        let at = 0
        for (const [i, each] of datagrams.entries()) {
          memory.bytes.fill(i, at, at + each.length)
          const { fd } = from[each.from]!
          queue.add(
            each.from * 3 + each.to,
            { fd, family: 4, ...to[each.to]!.local },
            memory,
            at,
            each.length,
          )
          at += each.length
        }
        queue.flush()
        assert.ok(queue.isEmpty)
        sum += datagrams.length
        for (const [t, { fd }] of to.entries()) {
          const got = arrived(fd)
          for (const [f, { local }] of from.entries())
            assert.deepEqual(
              got
                .filter(({ port }) => port === local.port)
                .map(({ bytes }) => [bytes.length, bytes[0], bytes.at(-1)]),
              datagrams
                .map(({ length }, i) =>
                  length === 0 ? [0, undefined, undefined] : [length, i & 0xff, i & 0xff],
                )
                .filter((_, i) => datagrams[i]!.from === f && datagrams[i]!.to === t),
            )
        }
      }),
      { numRuns: 200 },
    )
    assert.deepEqual([counted.sent, counted.sendDropped, counted.sendErrors], [sum, 0, 0])
  })

  test("a burst is one message for the kernel, as large as it takes", () => {
    let messages = 0
    const counting: Libc = {
      ...(libc as Libc),
      sendmmsg: (fd, headers, count, flags) => {
        messages += count
        return (libc as Libc).sendmmsg(fd, headers, count, flags)
      },
    }
    const [from, to] = [open("127.0.0.1"), open("127.0.0.1")]
    const queue = new SendQueue(counting, 256, 1, counters(), true)
    const route = { fd: from.fd, family: 4, ...to.local } as const
    const burst = (count: number, length: number): [messages: number, arrived: number] => {
      messages = 0
      for (let i = 0; i < count; i++) queue.add(0, route, memory, i * length, length)
      queue.flush()
      return [messages, arrived(to.fd).length]
    }
    assert.deepEqual(burst(10, 1200), [1, 10])
    assert.deepEqual(burst(100, 160), [2, 100])
    assert.deepEqual(burst(60, 1200), [2, 60])
  })

  test("the largest datagram arrives, and one of nothing", () => {
    const [from, to] = [open("127.0.0.1"), open("127.0.0.1")]
    const queue = new SendQueue(libc as Libc, 4, 1, counters(), true)
    const route = { fd: from.fd, family: 4, ...to.local } as const
    for (const length of [MAX_DATAGRAM, 0]) queue.add(0, route, memory, 0, length)
    queue.flush()
    assert.deepEqual(
      arrived(to.fd).map(({ bytes }) => bytes.length),
      [MAX_DATAGRAM, 0],
    )
  })

  test("where the kernel does not segment, each goes by itself, and so for a while", () => {
    let refused = 0
    let errno = 0
    const old: Libc = {
      ...(libc as Libc),
      errno: () => errno,
      sendmmsg: (fd, headers, count, flags) => {
        // The one that has a burst is the first, and the only one with more than one datagram.
        if (refused === 0) {
          refused++
          errno = EIO
          return -1
        }
        return (libc as Libc).sendmmsg(fd, headers, count, flags)
      },
    }
    const [from, to] = [open("127.0.0.1"), open("127.0.0.1")]
    const counted = counters()
    const queue = new SendQueue(old, 16, 1, counted, true)
    const route = { fd: from.fd, family: 4, ...to.local } as const
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 5; i++) {
        memory.bytes[i * 100] = i
        queue.add(0, route, memory, i * 100, 100)
      }
      queue.flush()
      assert.deepEqual(
        arrived(to.fd).map(({ bytes }) => bytes[0]),
        [0, 1, 2, 3, 4],
      )
    }
    assert.deepEqual([counted.sent, counted.sendErrors], [10, 0])
  })

  test("a full buffer drops the rest, and says how many; another socket's go on", () => {
    const [full, free, to] = [open("127.0.0.1"), open("127.0.0.1"), open("127.0.0.1")]
    const failing: Libc = {
      ...(libc as Libc),
      errno: () => EAGAIN,
      sendmmsg: (fd, ...rest) => (fd === full.fd ? -1 : (libc as Libc).sendmmsg(fd, ...rest)),
    }
    const counted = counters()
    const queue = new SendQueue(failing, 16, 2, counted, true)
    for (let i = 0; i < 3; i++)
      for (const [key, { fd }] of [full, free].entries())
        queue.add(key, { fd, family: 4, ...to.local }, memory, 0, 100)
    queue.flush()
    assert.deepEqual([counted.sendDropped, counted.sent, arrived(to.fd).length], [3, 3, 3])
  })

  test("an address that cannot be reached costs nobody else theirs", () => {
    const [from, to] = [open("127.0.0.1"), open("127.0.0.1")]
    const counted = counters()
    const queue = new SendQueue(libc as Libc, 16, 3, counted, true)
    const { fd } = from
    queue.add(0, { fd, family: 4, ...to.local }, memory, 0, 10)
    // A broadcast address, which this socket may not send to.
    queue.add(1, { fd, family: 4, ip: Uint8Array.of(255, 255, 255, 255), port: 9 }, memory, 0, 10)
    queue.add(2, { fd, family: 4, ...to.local }, memory, 0, 20)
    queue.flush()
    assert.deepEqual([counted.sent, counted.sendErrors], [2, 1])
    assert.deepEqual(
      arrived(to.fd).map(({ bytes }) => bytes.length),
      [10, 20],
    )
  })

  test("IPv6 and, on a socket of both, IPv4: each comes as what it is", t => {
    const opened = (sockets as UdpSockets).open({ ip: parseIp("::1")!, port: 0 }, buffers)
    if ("code" in opened) return t.skip(`no IPv6 here: ${opened.code}`)
    fds.push(opened.fd)
    const [both, four] = [open("::"), open("127.0.0.1")]
    const queue = new SendQueue(libc as Libc, 4, 3, counters(), true)
    const { port } = both.local
    queue.add(0, { fd: opened.fd, family: 6, ip: parseIp("::1")!, port }, memory, 0, 1)
    queue.add(1, { fd: four.fd, family: 4, ip: parseIp("127.0.0.1")!, port }, memory, 0, 2)
    queue.flush()
    const found = arrived(both.fd)
    assert.deepEqual(
      found.map(({ ip, port }) => ({ ip: ip.length, port })).toSorted((a, b) => a.ip - b.ip),
      [
        { ip: 4, port: four.local.port },
        { ip: 16, port: opened.local.port },
      ],
    )
    queue.add(2, { fd: both.fd, family: 6, ...four.local }, memory, 0, 3)
    queue.flush()
    assert.deepEqual(
      arrived(four.fd).map(({ bytes }) => bytes.length),
      [3],
    )
  })

  test("unfragmented, a datagram beyond the MTU is dropped and counted; before and after, fragments are fine", t => {
    // Over IPv4 the loopback's MTU, 65,536, has room for all that a datagram can be.
    const ip = parseIp("::1")!
    const opened = [0, 1].map(() => (sockets as UdpSockets).open({ ip, port: 0 }, buffers))
    const [from, to] = opened
    if ("code" in from! || "code" in to!) return t.skip("no IPv6 here")
    fds.push(from!.fd, to!.fd)
    const counted = counters()
    const queue = new SendQueue(libc as Libc, 4, 1, counted, true)
    const route = { fd: from!.fd, family: 6, ...to!.local } as const
    queue.add(0, route, memory, 0, MAX_DATAGRAM)
    queue.sendUnfragmented(0, route, memory, 0, MAX_DATAGRAM)
    queue.sendUnfragmented(0, route, memory, 0, 1200)
    queue.add(0, route, memory, 0, MAX_DATAGRAM)
    queue.flush()
    assert.deepEqual(
      arrived(to!.fd).map(({ bytes }) => bytes.length),
      [MAX_DATAGRAM, 1200, MAX_DATAGRAM],
    )
    assert.deepEqual([counted.sent, counted.sendErrors], [3, 1])
  })

  test("over IPv4 the DF bit is asked for as long as that one datagram is sent, on a socket of both families too", () => {
    const option = new Memory(libc as Libc, 8)
    const discovery = (fd: number): number => {
      option.view.setUint32(4, 4, true)
      const { address } = option
      assert.equal((libc as Libc).getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, address, address + 4), 0)
      return option.view.getInt32(0, true)
    }
    const during: number[] = []
    const watching: Libc = {
      ...(libc as Libc),
      sendto: (fd, ...rest) => {
        during.push(discovery(fd))
        return (libc as Libc).sendto(fd, ...rest)
      },
    }
    for (const from of [open("127.0.0.1"), open("::")]) {
      const to = open("127.0.0.1")
      const before = discovery(from.fd)
      assert.notEqual(before, PMTUDISC_DO)
      const queue = new SendQueue(watching, 4, 1, counters(), true)
      const route = { fd: from.fd, family: from.family, ...to.local } as const
      queue.add(0, route, memory, 0, 1)
      queue.sendUnfragmented(0, route, memory, 0, 2)
      queue.add(0, route, memory, 0, 3)
      queue.flush()
      assert.deepEqual(during.splice(0), [before, PMTUDISC_DO, before])
      assert.deepEqual(
        arrived(to.fd).map(({ bytes }) => bytes.length),
        [1, 2, 3],
      )
    }
  })

  test("where the system does not forbid fragments, what may have none is dropped and counted", () => {
    const refusing: Libc = { ...(libc as Libc), setsockopt: () => -1 }
    const [from, to] = [open("127.0.0.1"), open("127.0.0.1")]
    const counted = counters()
    const queue = new SendQueue(refusing, 4, 1, counted, true)
    queue.sendUnfragmented(0, { fd: from.fd, family: 4, ...to.local }, memory, 0, 100)
    assert.deepEqual([counted.sent, counted.sendErrors, arrived(to.fd).length], [0, 1, 0])
    assert.equal(Fragmentation.canBeForbidden(refusing), false)
    assert.equal(Fragmentation.canBeForbidden(libc as Libc), true)
  })

  test("what is not within its memory is refused before the kernel sees it", () => {
    const queue = new SendQueue(libc as Libc, 4, 1, counters(), true)
    const route = { fd: -1, family: 4, ip: Uint8Array.of(127, 0, 0, 1), port: 1 } as const
    for (const [at, length] of [
      [-1, 10],
      [0, -1],
      [(1 << 20) - 5, 10],
      [0, MAX_DATAGRAM + 1],
    ] as const)
      assert.throws(() => queue.add(0, route, memory, at, length), RangeError)
  })

  test("a port that is taken, and an address that is not ours, say so", () => {
    const { local } = open("127.0.0.1")
    assert.deepEqual((sockets as UdpSockets).open(local, buffers), { code: "EADDRINUSE" })
    const foreign = { ip: parseIp("192.0.2.1")!, port: 0 }
    assert.deepEqual((sockets as UdpSockets).open(foreign, buffers), { code: "EADDRNOTAVAIL" })
  })

  test("many sockets share a port that one of them has taken alone", () => {
    const first = (sockets as UdpSockets).open(
      { ip: parseIp("127.0.0.1")!, port: 0 },
      { ...buffers, share: "first" },
    )
    assert.ok("fd" in first)
    fds.push(first.fd)
    const second = (sockets as UdpSockets).open(first.local, { ...buffers, share: "join" })
    assert.ok("fd" in second)
    fds.push(second.fd)
    assert.equal(second.local.port, first.local.port)
    assert.deepEqual((sockets as UdpSockets).open(first.local, { ...buffers, share: "first" }), {
      code: "EADDRINUSE",
    })
    assert.deepEqual((sockets as UdpSockets).open(first.local, buffers), { code: "EADDRINUSE" })
  })
})
