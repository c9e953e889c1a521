import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import type { Datagram, Machine, Out, Path } from "@tightbeam/webrtc/contract"
import { Internet } from "./internet.ts"
import { Random } from "./random.ts"
import { Schedule } from "./schedule.ts"

/** Sends back what it gets, and once a second says hello on every path it knows. */
class Echo implements Machine<string> {
  nextTick = Number.POSITIVE_INFINITY
  readonly #known: Path[] = []
  receive(d: Datagram, now: number, out: Out<string>): void {
    out.tell(`${now.toFixed(3)} ${formatAddress(out.paths.remote(d.path))} ${d.length}`)
    if (!this.#known.includes(d.path)) {
      out.paths.hold(d.path)
      this.#known.push(d.path)
    }
    out.forward(d, 0, d.length, d.path)
    this.nextTick = now + 1000
  }
  reply(): void {}
  tick(now: number, out: Out<string>): void {
    for (const path of this.#known) {
      const at = out.reserve(path, 8)
      out.bytes[at] = 0x68
      out.commit(1)
    }
    this.nextTick = now + 1000
  }
}

/** Sends `count` datagrams at once and counts what returns. */
class Pinger implements Machine<number> {
  readonly nextTick = Number.POSITIVE_INFINITY
  back = 0
  receive(d: Datagram, _now: number, out: Out<number>): void {
    this.back++
    out.tell(d.length)
  }
  reply(): void {}
  tick(): void {}
  ping(path: Path, count: number, out: Out<number>): void {
    for (let i = 0; i < count; i++) {
      out.reserve(path, 100)
      out.commit(100)
    }
  }
}

function scenario(seed: number, loss: number, duplication = 0) {
  const network = new Internet({ seed, link: { delay: 20, jitter: 5, loss, duplication } })
  const server = network.host("server", { addresses: ["203.0.113.1", "2001:db8::1"] })
  const client = network.host("client", { addresses: ["198.51.100.7"] })
  const echo = server.run(new Echo())
  echo.listen(3478)
  const pinger = new Pinger()
  const driver = client.run(pinger)
  const socket = driver.listen(5000)
  driver.command((_now, out) =>
    pinger.ping(out.paths.open(socket, { ip: parseIp("203.0.113.1")!, port: 3478 }), 1000, out),
  )
  network.schedule.run(500)
  return { network, echo, pinger }
}

describe("Internet", () => {
  test("carries datagrams both ways, late by the delay of the link", () => {
    const { echo, pinger } = scenario(1, 0)
    assert.equal(pinger.back, 1000)
    const first = Number(echo.events[0]!.split(" ")[0])
    assert.ok(first >= 20 && first <= 25, `the first datagram took ${first} ms`)
    assert.match(echo.events[0]!, /198\.51\.100\.7:5000 100$/)
  })

  test("loses about the share that it is told to", () => {
    const { pinger } = scenario(2, 0.1)
    assert.ok(Math.abs(pinger.back - 810) < 60, `${pinger.back} of 1000 came back; 0.9² of them should`)
  })

  test("brings about the share twice that it is told to", () => {
    const { pinger } = scenario(2, 0, 0.2)
    assert.ok(Math.abs(pinger.back - 1440) < 80, `${pinger.back} came back of 1000; 1.2² as many should`)
  })

  test("is a function of the seed", () => {
    assert.deepEqual(scenario(3, 0.2).echo.events, scenario(3, 0.2).echo.events)
    assert.notDeepEqual(scenario(3, 0.2).echo.events, scenario(4, 0.2).echo.events)
  })

  test("ticks a machine when it asked for it", () => {
    const { network, pinger } = scenario(5, 0)
    network.schedule.run(3000)
    assert.equal(pinger.back, 1003)
  })

  test("streams keep order under loss, and lose what is under way when they are cut", () => {
    const network = new Internet({ seed: 6, link: { delay: 30, jitter: 30, loss: 0.3 } })
    const server = network.host("server", { addresses: ["203.0.113.1"] })
    const client = network.host("client", { addresses: ["198.51.100.7"] })
    const got: string[] = []
    const ends: string[] = []
    server.listenStreams(443, stream => {
      stream.handlers = { message: text => got.push(text), closed: why => ends.push(`server ${why}`) }
    })
    const stream = client.connectStream(
      { ip: parseIp("203.0.113.1")!, port: 443 },
      { opened: () => ends.push("opened"), closed: why => ends.push(`client ${why}`) },
    )
    network.schedule.runUntil(() => ends.length === 1, 5000)
    for (let i = 0; i < 50; i++) stream.send(String(i))
    network.schedule.run(60_000)
    assert.deepEqual(
      got,
      Array.from({ length: 50 }, (_, i) => String(i)),
    )
    stream.send("lost")
    stream.cut(1000)
    network.schedule.run(60_000)
    assert.equal(got.length, 50)
    assert.deepEqual(ends, ["opened", "client cut", "server cut"])
  })

  test("refuses a second host on an address, and a malformed one", () => {
    const network = new Internet({ seed: 7 })
    network.host("a", { addresses: ["192.0.2.1"] })
    assert.throws(() => network.host("b", { addresses: ["192.0.2.1"] }), /192\.0\.2\.1 is taken/)
    assert.throws(() => network.host("c", { addresses: ["192.0.2"] }), /"192\.0\.2" is not an IP address/)
  })
})

describe("Schedule", () => {
  test("runs what is due by time, then by the order it was set; cancelled things never", () => {
    const schedule = new Schedule()
    const ran: string[] = []
    schedule.after(10, () => ran.push("b"))
    schedule.after(5, () => ran.push("a"))
    schedule.after(10, () => ran.push("c"))
    schedule.after(7, () => ran.push("never"))()
    schedule.run(20)
    assert.deepEqual(ran, ["a", "b", "c"])
    assert.equal(schedule.now, 20)
  })
})

test("Random is even enough to trust, and forks are independent", () => {
  const random = new Random(42)
  const buckets = Array.from({ length: 10 }, () => 0)
  for (let i = 0; i < 100_000; i++) buckets[random.below(10)]!++
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 500, `buckets ${buckets.join(" ")}`)
  assert.notEqual(new Random(1).fork("a").uint32(), new Random(1).fork("b").uint32())
})
