import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress } from "@tightbeam/webrtc/bytes"
import type { Datagram, Framing, Machine, Out, Path, Reply } from "@tightbeam/webrtc/contract"
import { Internet } from "./internet.ts"
import { TLS_ONLY } from "./policy.ts"
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
  echoes = true
  receive(d: Datagram, _now: number, out: Out<string>): void {
    const frame = d.bytes.subarray(d.offset, d.offset + d.length)
    this.kept.push(frame)
    out.tell(`${out.paths.transport(d.path)} ${formatAddress(out.paths.remote(d.path))} ${frame.join(" ")}`)
    if (this.echoes) out.forward(d, 0, d.length, d.path)
  }
  reply(answer: Reply, _now: number, out: Out<string>): void {
    out.tell(answer.type === "bound" ? `bound ${formatAddress(answer.local)}` : `failed ${answer.reason}`)
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
    })
    net.run(1)
    assert.deepEqual(driver.events, ["bound 20.0.0.1:5000", "failed in-use", "bound [2a01::1]:49152"])
    driver.command((_now, out) => out.ask({ type: "close", socket: 0 }))
    assert.equal(driver.local(0), undefined)
    assert.equal(driver.listen(5000), 0)
    assert.throws(() => driver.listen(5000), /the port is taken/)
    assert.throws(() => driver.listen(1, Uint8Array.of(9, 9, 9, 9)), /no such address/)
  })
})
