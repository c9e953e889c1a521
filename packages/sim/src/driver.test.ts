import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress } from "@tightbeam/webrtc/bytes"
import type { Datagram, Flow, Framing, Machine, Out, Path, Reply } from "@tightbeam/webrtc/contract"
import { Internet } from "./internet.ts"
import { TLS_ONLY } from "./policy.ts"
import type { TcpConnection } from "./tcp-connection.ts"
import { addressOf } from "./testing/probe.ts"

/** A byte of length, then as many bytes; filled up to an even number. 0xff begins nothing. */
const framing: Framing = {
  longest: 256,
  frameLength: (bytes, at) => (bytes[at] === 0xff ? -1 : (bytes[at]! + 2) & ~1),
  lengthOnStream: length => (length + 1) & ~1,
}

/** Tells what it hears, and says it back; keeps the path of whom it heard last. */
class Echo implements Machine<string> {
  readonly nextTick = Number.POSITIVE_INFINITY
  readonly kept: Uint8Array[] = []
  readonly opened: Path[] = []
  echoes = true
  receive(d: Datagram, _now: number, out: Out<string>): void {
    const frame = d.bytes.subarray(d.offset, d.offset + d.length)
    this.kept.push(frame)
    out.tell(`${out.paths.transport(d.path)} ${formatAddress(out.paths.remote(d.path))} ${frame.join(" ")}`)
    if (this.echoes) out.forward(d, 0, d.length, d.path)
  }
  reply(answer: Reply, _now: number, out: Out<string>): void {
    if ("local" in answer) out.tell(`${answer.type} ${formatAddress(answer.local)}`)
    else if (answer.type === "failed") out.tell(`failed ${answer.reason}`)
    else out.tell(`accepted ${formatAddress(out.paths.remote(answer.path))}`)
    if ("path" in answer) this.opened.push(answer.path)
  }
  tick(): void {}
  closed(path: Path, _now: number, out: Out<string>): void {
    out.tell(`closed ${formatAddress(out.paths.remote(path))}`)
  }
  say(path: Path, frame: readonly number[], out: Out<string>): void {
    const at = out.reserve(path, frame.length)
    out.bytes.set(frame, at)
    out.commit(frame.length)
  }
}

describe("A driver", () => {
  test("runs one machine over UDP and over TCP, through NATs, without the machine noticing", () => {
    const net = new Internet(1)
    const server = net.host("server")
    const echo = server.run(new Echo())
    server.listenTcp(443, connection => echo.accept(connection, "tls", framing))
    const machine = new Echo()
    machine.echoes = false
    const told: string[] = []
    const ada = net.nat({ policy: TLS_ONLY }).host("ada")
    const driver = ada.run(machine, { onEvent: (event, now) => told.push(`${now} ${event}`) })
    const opened: Path[] = []
    const connection = ada.connectTcp(addressOf("20.0.0.1:443"), {
      opened: stream => opened.push(driver.accept(stream, "tls", framing)),
    })
    net.run(100)
    driver.command((_now, out) => {
      machine.say(opened[0]!, [2, 10, 11], out)
      machine.say(opened[0]!, [3, 12, 13, 14], out)
    })
    net.run(100)
    assert.deepEqual(echo.events, ["tls 20.0.0.2:49152 2 10 11 0", "tls 20.0.0.2:49152 3 12 13 14"])
    assert.deepEqual(told, ["120 tls 20.0.0.1:443 2 10 11 0", "120 tls 20.0.0.1:443 3 12 13 14"])
    connection.close()
    net.run(100)
    assert.equal(echo.events.at(-1), "closed 20.0.0.2:49152")
  })

  test("ends a stream on which no frame begins, and tells its machine", () => {
    const net = new Internet(1)
    const server = net.host("server")
    const echo = server.run(new Echo())
    server.listenTcp(443, connection => echo.accept(connection, "tcp", framing))
    const ends: string[] = []
    net.host("ada").connectTcp(addressOf("20.0.0.1:443"), {
      opened: stream => stream.send(Uint8Array.of(0xff)),
      closed: why => ends.push(why),
    })
    net.run(1000)
    assert.deepEqual(ends, ["closed"])
    assert.deepEqual(echo.events, ["closed 20.0.0.2:49152"])
  })

  test("reads poison to a machine that keeps what it was only shown", () => {
    const net = new Internet(1)
    const echo = net.host("server").run(new Echo())
    echo.listen(3478)
    const ada = net.host("ada")
    ada.send({ ip: ada.ips[0]!, port: 5000 }, addressOf("20.0.0.1:3478"), Uint8Array.of(1, 2, 3))
    net.run(100)
    assert.deepEqual((echo.machine as Echo).kept[0], Uint8Array.of(0xaa, 0xaa, 0xaa))
  })

  test("forwards in one piece or not at all, as every packet here", () => {
    class Reflector extends Echo {
      override receive(d: Datagram, _now: number, out: Out<string>): void {
        out.forwardUnfragmented!(d, 0, d.length, d.path)
      }
    }
    const net = new Internet(1)
    net
      .host("server", { link: { out: { mtu: 1280 } } })
      .run(new Reflector())
      .listen(3478)
    const ada = net.host("ada")
    const heard: number[] = []
    ada.bind(5000, bytes => heard.push(bytes.length))
    for (const length of [1252, 1253])
      ada.send({ ip: ada.ips[0]!, port: 5000 }, addressOf("20.0.0.1:3478"), new Uint8Array(length))
    net.run(100)
    assert.deepEqual(heard, [1252])
  })

  test("binds what a machine asks for, on a port of its own where it asks for none; tells what cannot be had", () => {
    const net = new Internet(1)
    const server = net.host("server", { families: [4, 6] })
    const driver = server.run(new Echo())
    driver.command((_now, out) => {
      out.ask({ type: "bind", id: 1, family: 4, port: 5000 })
      out.ask({ type: "bind", id: 2, family: 4, port: 5000 })
      out.ask({ type: "bind", id: 3, family: 6, port: 0 })
      out.ask({ type: "bind", id: 4, family: 4, ip: Uint8Array.of(9, 9, 9, 9), port: 0 })
    })
    net.run(1)
    const answers = ["bound 20.0.0.1:5000", "failed in-use", "bound [2a01::1]:49152", "failed refused"]
    assert.deepEqual(driver.events, answers)
    driver.command((_now, out) => out.ask({ type: "close", socket: 0 }))
    assert.equal(driver.local(0), undefined)
    assert.equal(driver.listen(5000), 0)
    assert.throws(() => driver.listen(5000), /the port is taken/)
    assert.throws(() => driver.listen(1, Uint8Array.of(9, 9, 9, 9)), /no such address/)
  })

  test("listens and connects for machines, from the port that one listens on as well", () => {
    const net = new Internet(1)
    const [ben, ada] = ["ben", "ada"].map(name => net.host(name).run(new Echo()))
    const remote = addressOf("20.0.0.1:5000")
    ben!.command((_now, out) => {
      out.ask({ type: "listen", id: 1, family: 4, port: 5000, framing })
      out.ask({ type: "listen", id: 2, family: 4, port: 5000, framing })
    })
    const ask = (id: number, more: object = {}): void =>
      ada!.command((_now, out) =>
        out.ask({ type: "connect", id, family: 4, remote, transport: "tls", framing, ...more }),
      )
    ada!.command((_now, out) => out.ask({ type: "listen", id: 0, family: 4, port: 6000 }))
    net.run(1)
    ask(1, { port: 6000 })
    net.run(100)
    ask(2, { port: 6000 })
    net.run(100)
    assert.deepEqual(ada!.events, ["listening 20.0.0.2:6000", "connected 20.0.0.2:6000", "failed in-use"])
    const [path] = (ada!.machine as Echo).opened
    ;(ada!.machine as Echo).echoes = false
    ada!.command((_now, out) => (ada!.machine as Echo).say(path!, [2, 10, 11], out))
    net.run(100)
    assert.deepEqual(ben!.events, [
      "listening 20.0.0.1:5000",
      "failed in-use",
      "accepted 20.0.0.2:6000",
      "tcp 20.0.0.2:6000 2 10 11 0",
    ])
    assert.equal(ada!.events.at(-1), "tls 20.0.0.1:5000 2 10 11 0")
    // Closed, it lets nobody in; who is there stays.
    ben!.command((_now, out) => out.ask({ type: "close", socket: 0 }))
    ask(3)
    net.run(100)
    assert.equal(ada!.events.at(-1), "failed refused")
    assert.ok(!ben!.events.some(each => each.startsWith("closed")))
  })

  test("tells what cannot be reached from what does not answer, and forgets what is abandoned", () => {
    const net = new Internet(1)
    const driver = net.host("ada").run(new Echo())
    const ask = (id: number, remote: string, ip?: Uint8Array): void =>
      driver.command((_now, out) =>
        out.ask({
          type: "connect",
          id,
          family: 4,
          remote: addressOf(remote),
          transport: "tcp",
          ...(ip && { ip }),
        }),
      )
    ask(1, "20.0.0.9:5000", Uint8Array.of(9, 9, 9, 9))
    net.run(1)
    assert.deepEqual(driver.events, ["failed unreachable"])
    ask(2, "20.0.0.9:5000")
    ask(3, "20.0.0.9:5000")
    driver.command((_now, out) => out.ask({ type: "abandon", id: 3 }))
    net.run(29_990)
    assert.equal(driver.events.length, 1)
    net.run(60_000)
    assert.deepEqual(driver.events, ["failed unreachable", "failed timed-out"])
  })

  describe("two streams that are joined", () => {
    /** Who comes to `middle` is joined with the far host by its first frame. */
    function joined(flow?: Flow) {
      const net = new Internet(1)
      const far = net.host("far")
      let peer: TcpConnection | undefined
      far.listenTcp(80, connection => (peer = connection))
      class Joiner extends Echo {
        override receive(d: Datagram, _now: number, out: Out<string>): void {
          out.ask({ type: "join", paths: [d.path, this.opened[0]!], ...(flow && { flow }) })
        }
      }
      const middle = net.host("middle", { link: { out: { rate: 8_000_000 } } })
      const driver = middle.run(new Joiner())
      middle.listenTcp(443, connection => driver.accept(connection, "tcp", framing))
      const remote = addressOf("20.0.0.1:80")
      driver.command((_now, out) => out.ask({ type: "connect", id: 1, family: 4, remote, transport: "tcp" }))
      net.run(100)
      const got = { client: [] as number[], peer: [] as number[], ends: [] as string[] }
      const client = net.host("client").connectTcp(addressOf("20.0.0.2:443"), {
        data: bytes => got.client.push(...bytes),
        closed: why => got.ends.push(`client ${why}`),
      })
      peer!.handlers = {
        data: bytes => got.peer.push(...bytes),
        closed: why => got.ends.push(`peer ${why}`),
      }
      net.run(100)
      return { net, driver, client, peer: peer!, got }
    }

    test("carry each other's bytes, what came before and with the last frame first", () => {
      const passed: number[] = []
      const { net, driver, client, peer, got } = joined({
        passed: (_from, n) => passed.push(n),
        wait: () => 0,
      })
      peer.send(Uint8Array.of(7, 8))
      net.run(100)
      client.send(Uint8Array.of(1, 0, 3, 2))
      net.run(100)
      client.send(Uint8Array.of(0xff))
      net.run(100)
      assert.deepEqual(
        [got.peer, got.client],
        [
          [3, 2, 0xff],
          [7, 8],
        ],
      )
      assert.deepEqual(passed, [2, 2, 1])
      client.send(new Uint8Array(10_000))
      client.close()
      net.run(5000)
      assert.equal(got.peer.length, 10_003)
      assert.deepEqual(got.ends, ["client closed", "peer closed"])
      assert.equal(driver.events.filter(each => each.startsWith("closed")).length, 2)
    })

    test("are read no faster than they are sent on, and as slowly as the machine says", () => {
      let allowed = 0
      let passed = 0
      const flow: Flow = {
        passed: (_from, length) => void (passed += length),
        wait: now => (allowed > now ? allowed - now : 0),
      }
      const { net, client, got } = joined(flow)
      client.send(Uint8Array.of(1, 0))
      net.run(100)
      // The line behind it is slow, and the queue in the middle stays short.
      client.send(new Uint8Array(1_500_000))
      while (got.peer.length < 1_500_000) {
        net.run(10)
        assert.ok(passed - got.peer.length < 600_000, `${passed - got.peer.length} bytes wait in the middle`)
      }
      allowed = net.now + 1000
      client.send(new Uint8Array(10))
      client.send(new Uint8Array(2_000_000))
      net.run(900)
      assert.ok(passed < 1_600_000)
      net.run(20_000)
      assert.equal(got.peer.length, 3_500_010)
    })

    test("are both closed by closing one, and nothing is told", () => {
      const { net, driver, client, got } = joined()
      client.send(Uint8Array.of(1, 0, 9))
      net.run(100)
      driver.command((_now, out) => out.ask({ type: "close", socket: 0 }))
      net.run(1000)
      assert.deepEqual(got.peer, [9])
      assert.deepEqual(got.ends.toSorted(), ["client closed", "peer closed"])
      assert.ok(!driver.events.some(each => each.startsWith("closed")))
    })
  })

  test("a connection that nobody reads from holds its other end up, for as long as it takes", () => {
    const net = new Internet(1)
    let kept: TcpConnection | undefined
    let received = 0
    net.host("server").listenTcp(80, connection => {
      kept = connection
      connection.handlers.data = bytes => (received += bytes.length)
      connection.pause()
    })
    const client = net.host("ada", { link: { loss: 0.05 } }).connectTcp(addressOf("20.0.0.1:80"), {})
    client.send(new Uint8Array(2_000_000))
    net.run(600_000)
    assert.equal(received, 0)
    assert.ok(client.queued > 1_000_000)
    kept!.resume()
    net.run(600_000)
    assert.deepEqual([received, client.queued], [2_000_000, 0])
  })
})
