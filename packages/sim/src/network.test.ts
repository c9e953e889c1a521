import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { formatAddress, formatIp } from "@tightbeam/webrtc/bytes"
import fc from "fast-check"
import type { Host } from "./host.ts"
import { connectThroughProxy, serveProxy } from "./http-proxy.ts"
import { Internet } from "./internet.ts"
import { bursts } from "./link.ts"
import type { Network } from "./network.ts"
import type { Drop } from "./packet.ts"
import { proxyOnly, TLS_ONLY, UDP_BLOCKED } from "./policy.ts"
import { addressOf, Probe } from "./testing/probe.ts"

/** Of a property that runs whole connections. */
const RUNS = 200

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (said: string) => new TextEncoder().encode(said)

/** Whether a host gets an answer over UDP, and over TCP, from a server's ports. */
function reach(net: Internet, host: Host, server: Host, ports: readonly number[]) {
  const reached: string[] = []
  for (const port of ports) {
    server.bind(port, (_payload, from, to) => server.send(to, from, bytes("answer")))
    server.listenTcp(port, connection => connection.send(bytes("answer")))
    const to = addressOf(`${server.address()}:${port}`)
    const socket = new Probe(host, 0)
    socket.say("hello", to)
    host.connectTcp(to, { data: () => reached.push(`tcp ${port}`) })
    net.run(500)
    if (socket.heard.length > 0) reached.push(`udp ${port}`)
    server.unbind(port)
    server.unlistenTcp(port)
  }
  return reached
}

describe("A network that blocks", () => {
  const cases = [
    ["nothing", {}, ["tcp 443", "udp 443", "tcp 3478", "udp 3478"]],
    ["UDP", UDP_BLOCKED, ["tcp 443", "tcp 3478"]],
    ["all but TLS", TLS_ONLY, ["tcp 443"]],
  ] as const
  for (const [what, policy, reachable] of cases)
    test(what, () => {
      for (const kind of ["nat", "firewall"] as const) {
        const net = new Internet(1)
        const ada = net[kind]({ policy }).host("ada")
        assert.deepEqual(reach(net, ada, net.host("server"), [443, 3478]), reachable, kind)
      }
    })

  test("all but a proxy", () => {
    const net = new Internet(1)
    const [proxy, server] = [net.host("proxy"), net.host("server")]
    const ada = net.firewall({ policy: proxyOnly(proxy.address()) }).host("ada")
    assert.deepEqual(reach(net, ada, server, [443]), [])
    assert.deepEqual(reach(net, ada, proxy, [8080]), ["tcp 8080"])
  })
})

describe("A proxy", () => {
  /** Ada's network lets her reach a proxy only. */
  function behind() {
    const net = new Internet(1)
    const [proxy, server] = [net.host("proxy"), net.host("server")]
    serveProxy(proxy, 8080)
    const ada = net.firewall({ policy: proxyOnly(proxy.address()) }).host("ada")
    const told: string[] = []
    const connect = (to: string) =>
      connectThroughProxy(ada, addressOf(`${proxy.address()}:8080`), addressOf(to), {
        opened: tunnel => tunnel.send(bytes("hello")),
        data: data => told.push(text(data)),
        closed: why => told.push(why),
      })
    return { net, proxy, server, ada, told, connect }
  }

  test("connects who asks by CONNECT, both ways, and ends one end with the other", () => {
    const { net, server, told, connect } = behind()
    const ends: string[] = []
    server.listenTcp(443, stream => {
      stream.handlers = {
        data: data => {
          stream.send(bytes(`you said ${text(data)}, from ${formatIp(stream.remote.ip)}`))
          net.schedule.after(1000, () => stream.close())
        },
        closed: why => ends.push(why),
      }
    })
    connect("20.0.0.2:443")
    net.run(5000)
    assert.deepEqual(told, ["you said hello, from 20.0.0.1", "closed"])
    assert.deepEqual(ends, ["closed"])
  })

  test("says so when nobody is there, when it is not asked by CONNECT, and when the head has no end", () => {
    const { net, proxy, ada, told, connect } = behind()
    connect("20.0.0.2:443")
    net.run(1000)
    assert.deepEqual(told, ["refused"])
    const answers: string[] = []
    for (const said of ["GET / HTTP/1.1\r\n\r\n", "x".repeat(8192)])
      ada.connectTcp(addressOf(`${proxy.address()}:8080`), {
        opened: opened => opened.send(bytes(said)),
        data: data => answers.push(text(data).split("\r\n")[0]!),
      })
    net.run(1000)
    assert.deepEqual(answers, ["HTTP/1.1 400 Bad Request", "HTTP/1.1 431 Request Header Fields Too Large"])
    assert.throws(() => serveProxy(proxy, 8080), /taken/)
  })
})

describe("A stateful firewall", () => {
  test("lets in over IPv6 only what answers, and changes no address; so does a NAT's for IPv6", () => {
    for (const kind of ["nat", "firewall"] as const) {
      const net = new Internet(1)
      const server = new Probe(net.host("server", { families: [4, 6] }), 3478, "2a01::1")
      const ada = net[kind]().host("ada", { families: [4, 6] })
      const socket = new Probe(ada, 5000, ada.address(6))
      server.say("uninvited", socket)
      net.run(100)
      socket.say("hello", server)
      net.run(100)
      assert.equal(server.heardFrom("hello"), formatAddress(socket.local))
      server.say("answer", socket)
      net.run(121_000)
      server.say("late", socket)
      net.run(100)
      assert.deepEqual(
        socket.heard.map(each => each.text),
        ["answer"],
        kind,
      )
    }
  })

  test("may let in whom its hosts never spoke to, once they spoke to anybody (RFC 6092 §3.2)", () => {
    const net = new Internet(1)
    const [server, stranger] = [new Probe(net.host("server"), 1), new Probe(net.host("stranger"), 1)]
    const socket = new Probe(net.firewall({ filtering: "endpoint-independent" }).host("ada"), 5000)
    stranger.say("uninvited", socket)
    net.run(100)
    socket.say("hello", server)
    net.run(100)
    stranger.say("welcome", socket)
    net.run(100)
    assert.deepEqual(
      socket.heard.map(each => each.text),
      ["welcome"],
    )
  })

  test("forgets whom it let in when it starts anew", () => {
    const net = new Internet(1)
    const server = new Probe(net.host("server"), 1)
    const office = net.firewall()
    const socket = new Probe(office.host("ada"), 5000)
    socket.say("hello", server)
    net.run(100)
    office.reboot()
    server.say("answer", socket)
    net.run(100)
    assert.deepEqual(socket.heard, [])
  })
})

describe("Mid-run", () => {
  test("from Wi-Fi to LTE: the old address reaches nobody, the new one does, and the host is told", () => {
    const net = new Internet(1)
    const server = new Probe(net.host("server"), 3478)
    const [wifi, lte] = [net.nat({ name: "wifi" }), net.nat({ name: "lte", subnet: "100.64.0.0" })]
    const ada = wifi.host("ada")
    const seen: string[][] = []
    ada.onInterfaces(() => seen.push(ada.ips.map(formatIp)))
    const before = new Probe(ada, 5000)
    before.say("wifi", server)
    net.run(100)
    const outside = server.heardFrom("wifi")!
    const added = ada.attach(lte)
    ada.detach(ada.interfaces[0]!)
    before.say("gone", server)
    server.say("too late", outside)
    new Probe(ada, 5000, formatIp(added.addresses[0]!)).say("lte", server)
    net.run(100)
    assert.deepEqual(
      server.heard.map(each => each.text),
      ["wifi", "lte"],
    )
    assert.notEqual(server.heardFrom("lte")!.split(":")[0], outside.split(":")[0])
    assert.deepEqual(before.heard, [])
    assert.deepEqual(seen, [["192.168.1.1", "100.64.0.1"], ["100.64.0.1"]])
    assert.throws(() => ada.detach({ ...added }), /not attached/)
  })

  test("two interfaces may have one address, as in two homes; the one that stays keeps it", () => {
    const net = new Internet(1)
    const server = new Probe(net.host("server"), 3478)
    const [before, after] = [net.nat(), net.nat()]
    const ada = before.host("ada")
    const socket = new Probe(ada, 5000, "192.168.1.1")
    ada.attach(after)
    assert.deepEqual(ada.ips, [ada.ips[0], ada.ips[0]])
    ada.detach(ada.interfaces[0]!)
    socket.say("through the other", server)
    net.run(100)
    server.say("answer", server.heardFrom("through the other")!)
    net.run(100)
    assert.deepEqual(
      socket.heard.map(({ text }) => text),
      ["answer"],
    )
  })

  test("a network's line may go down and come back: bindings outlive it", () => {
    const net = new Internet(1)
    const server = new Probe(net.host("server"), 3478)
    const home = net.nat()
    const socket = new Probe(home.host("ada"), 5000)
    socket.say("hello", server)
    net.run(100)
    home.line.disconnect()
    server.say("lost", server.heardFrom("hello")!)
    net.run(100)
    home.line.reconnect()
    server.say("heard", server.heardFrom("hello")!)
    net.run(100)
    assert.deepEqual(
      socket.heard.map(each => each.text),
      ["heard"],
    )
  })

  test("what is under way to an interface that goes, or to a host that has gone, ends there", () => {
    const net = new Internet(1)
    const server = new Probe(net.host("server"), 3478)
    const carrier = net.nat({ name: "carrier" })
    const home = carrier.nat({ name: "home" })
    const ben = new Probe(carrier.host("ben"), 5000)
    home.host("somebody")
    const ada = home.host("ada", { link: { delay: 50 } })
    const socket = new Probe(ada, 5000)
    assert.deepEqual(socket.local, ben.local, "two networks, one private address")
    socket.say("hello", server)
    net.run(100)
    server.say("under way", server.heardFrom("hello")!)
    net.run(30)
    ada.detach(ada.interfaces[0]!)
    server.say("to who has gone", server.heardFrom("hello")!)
    net.run(500)
    assert.deepEqual([socket.heard, ben.heard], [[], []])
  })

  test("the Internet itself has no line", () => {
    assert.throws(() => new Internet(1).line, /in no network/)
  })
})

describe("A host", () => {
  test("with several interfaces sends from the one whose address it names", () => {
    const net = new Internet(1)
    const server = new Probe(net.host("server"), 3478)
    const ada = net.host("ada")
    ada.attach(net.nat())
    for (const ip of ada.ips) new Probe(ada, 5000, formatIp(ip)).say(formatIp(ip), server)
    net.run(100)
    assert.equal(server.heardFrom(ada.address()), `${ada.address()}:5000`)
    assert.match(server.heardFrom("192.168.1.1")!, /^20\.0\.0\.3:/)
  })

  test("has a port on one address, on all, or any that is free; not twice", () => {
    const net = new Internet(1)
    const ada = net.host("ada", { addresses: ["20.1.0.1", "20.1.0.2"] })
    const nothing = () => {}
    const [first, second] = ada.ips
    assert.equal(ada.bind(5000, nothing, first), 5000)
    assert.equal(ada.bind(5000, nothing, second), 5000)
    assert.equal(ada.bind(5000, nothing), undefined)
    assert.equal(ada.bind(6000, nothing), 6000)
    assert.equal(ada.bind(6000, nothing, first), undefined)
    assert.equal(ada.bind(7000, nothing, Uint8Array.of(20, 1, 0, 3)), undefined)
    assert.notEqual(ada.bind(0, nothing), ada.bind(0, nothing))
    ada.unbind(5000, first)
    assert.equal(ada.bind(5000, nothing, first), 5000)
  })

  test("hears itself, and not within the call that spoke", () => {
    const net = new Internet(1)
    const socket = new Probe(net.host("ada"), 5000)
    socket.say("to myself", socket)
    assert.deepEqual(socket.heard, [])
    net.run(0)
    assert.equal(socket.heardFrom("to myself"), "20.0.0.1:5000")
  })

  test("that sends more than a datagram holds is a mistake of the test", () => {
    const net = new Internet(1)
    const socket = new Probe(net.host("ada"), 5000)
    assert.throws(() => socket.say("x".repeat(65_508), "20.0.0.9:1"), RangeError)
  })
})

test("Who watches sees why a packet went no further", () => {
  const net = new Internet({ seed: 1 })
  const drops: (readonly [string, Drop])[] = []
  net.watch(({ what, where, why }) => what === "dropped" && drops.push([where, why!]))
  const server = net.host("server")
  const home: Network = net.nat({ name: "home", hairpinning: false, policy: { tcpPorts: [443] } })
  const socket = new Probe(home.host("ada"), 5000)
  const stranger = new Probe(server, 3478)
  socket.say("to nobody", "20.9.9.9:1")
  socket.say("nobody listens", `${server.address()}:9`)
  stranger.say("no mapping", "20.0.0.2:1")
  net.run(100)
  stranger.say("filtered", "20.0.0.2:5000")
  socket.say("hairpin", "20.0.0.2:5000")
  home.host("ben").connectTcp(addressOf("20.0.0.1:80"), {})
  net.run(100)
  assert.deepEqual(drops, [
    ["internet", "no route"],
    ["server", "no listener"],
    ["home", "no mapping"],
    ["home", "no hairpinning"],
    ["home", "policy"],
    ["home", "filtered"],
  ])
})

describe("TCP", () => {
  test("carries 100 KB through two NATs and a bad line, each byte in its place", () => {
    const net = new Internet({
      seed: 3,
      link: { delay: 20, jitter: 10, loss: 0.05, reordering: 0.1, duplication: 0.05 },
    })
    const server = net.host("server", { link: { rate: 2_000_000, queue: 20_000 } })
    const ada = net.nat({ subnet: "100.64.0.0" }).nat().host("ada")
    const sent = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) >> 3)
    const got: number[] = []
    const ends: string[] = []
    server.listenTcp(443, connection => {
      assert.equal(formatIp(connection.remote.ip), "20.0.0.2", "the carrier's address")
      connection.handlers = { data: part => got.push(...part), closed: why => ends.push(`server ${why}`) }
    })
    const connection = ada.connectTcp(addressOf(`${server.address()}:443`), {
      opened: opened => {
        opened.send(sent)
        opened.close()
      },
      closed: why => ends.push(`ada ${why}`),
    })
    net.run(120_000)
    assert.deepEqual(Uint8Array.from(got), sent)
    assert.deepEqual(ends, ["ada closed", "server closed"])
    assert.equal(connection.isOpen, false)
    assert.equal(net.schedule.step(), false, "and nothing is left to do")
  })

  test("brings every byte in its place, once, over any line, unless it times out", () => {
    const share = (max: number) => fc.double({ min: 0, max, noNaN: true })
    const line = fc.record({
      delay: fc.nat(200),
      jitter: fc.nat(100),
      loss: fc.oneof(
        share(0.3),
        share(0.2).map(lost => bursts(lost, 4)),
      ),
      reordering: share(0.5),
      duplication: share(0.5),
      rate: fc.integer({ min: 1_000_000, max: 50_000_000 }),
      queue: fc.integer({ min: 5000, max: 50_000 }),
    })
    let ended = 0
    fc.assert(
      fc.property(line, fc.integer(), fc.array(fc.nat(5000), { maxLength: 20 }), (link, seed, sizes) => {
        const net = new Internet({ seed, link: {} })
        const server = net.host("server")
        const ada = net.nat().host("ada", { link })
        const [sent, got]: [number[], number[]] = [[], []]
        let why: string | undefined
        server.listenTcp(443, stream => {
          stream.handlers = {
            data: part => got.push(...part),
            closed: told => {
              why = told
            },
          }
        })
        ada.connectTcp(addressOf(`${server.address()}:443`), {
          opened: stream => {
            for (const size of sizes) {
              const part = Uint8Array.from({ length: size }, (_, i) => sent.length + i)
              sent.push(...part)
              stream.send(part)
            }
            stream.close()
          },
        })
        net.run(600_000)
        // A burst may outlast every retransmission: what came until then is right all the same.
        assert.deepEqual(got, why === "closed" ? sent : sent.slice(0, got.length))
        if (why === "closed") ended++
      }),
      { numRuns: RUNS },
    )
    assert.ok(ended > 0.9 * RUNS, `${ended} of ${RUNS} came to their end`)
  })

  test("ends at once where there is no address to connect from", () => {
    const net = new Internet(1)
    const ada = net.host("ada")
    ada.detach(ada.interfaces[0]!)
    const ends: string[] = []
    ada.connectTcp(addressOf("20.0.0.9:443"), { closed: why => ends.push(why) })
    assert.deepEqual(ends, [])
    net.run(0)
    assert.deepEqual(ends, ["unreachable"])
    assert.throws(() => ada.address(), /no IPv4 address/)
  })

  test("repairs the holes of one window in a round trip each, not in a timeout each", () => {
    const net = new Internet({ seed: 1, link: { delay: 50 } })
    const server = net.host("server")
    const ada = net.host("ada")
    let got = 0
    let done = 0
    server.listenTcp(443, connection => {
      connection.handlers = {
        data: part => {
          got += part.length
          done = net.now
        },
      }
    })
    const connection = ada.connectTcp(addressOf(`${server.address()}:443`), {})
    net.run(200)
    const { line } = ada.interfaces[0]!
    for (let i = 0; i < 16; i++) {
      if (i % 4 === 0) line.disconnect()
      connection.send(new Uint8Array(500))
      line.reconnect()
    }
    net.run(10_000)
    assert.equal(got, 8000)
    // Three acknowledgements tell of the first hole after 100 ms; then four holes at 100 ms each.
    assert.ok(done - 200 <= 500, `done after ${done - 200} ms`)
  })

  test("is refused where nobody listens, and times out where nobody answers", () => {
    const net = new Internet(1)
    const server = net.host("server")
    const ada = net.nat().host("ada")
    const ends: string[] = []
    ada.connectTcp(addressOf(`${server.address()}:443`), { closed: why => ends.push(`${why} ${net.now}`) })
    net.run(100)
    ada.connectTcp(addressOf("20.9.9.9:443"), { closed: why => ends.push(`${why} ${net.now}`) })
    net.run(100_000)
    // One round trip; 1 + 2 + 4 + 8 + 16 + 32 seconds.
    assert.deepEqual(ends, ["refused 20", "timed-out 63100"])
  })

  test("ends by a timeout when the NAT forgets it, and by a reset when its server is another", () => {
    const net = new Internet(1)
    const server = net.host("server")
    const home = net.nat({ ports: "random" })
    const ends: string[] = []
    server.listenTcp(443, connection => {
      connection.handlers = { closed: why => ends.push(`server ${why}`) }
      net.schedule.after(1000, () => connection.send(bytes("lost")))
    })
    const connection = home.host("ada").connectTcp(addressOf(`${server.address()}:443`), {
      closed: why => ends.push(`ada ${why}`),
    })
    net.run(500)
    home.reboot()
    net.run(120_000)
    assert.deepEqual(ends, ["server timed-out"])
    connection.send(bytes("from another port"))
    net.run(100)
    assert.deepEqual(ends, ["server timed-out", "ada reset"])
  })

  test("opens at once from both sides through two NATs that would let neither in (RFC 5382 REQ-2)", () => {
    const net = new Internet(1)
    const [ada, ben] = [net.nat().host("ada"), net.nat().host("ben")]
    const heard: string[] = []
    const open = (host: Host, to: string) => {
      const from = { ip: host.ips[0]!, port: 5000 }
      const connection = host.connectTcp(
        addressOf(to),
        { data: data => heard.push(`${host.name} ${text(data)}`) },
        from,
      )
      connection.send(bytes(`to ${to}`))
    }
    open(ada, "20.0.0.2:5000")
    open(ben, "20.0.0.1:5000")
    net.run(5000)
    assert.deepEqual(heard.sort(), ["ada to 20.0.0.1:5000", "ben to 20.0.0.2:5000"])
  })
})
