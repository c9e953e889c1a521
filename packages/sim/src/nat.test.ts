import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { Endpoints, endpointOf } from "./endpoints.ts"
import type { Dependence } from "./filter.ts"
import type { Host } from "./host.ts"
import { Internet } from "./internet.ts"
import { Nat } from "./nat.ts"
import type { NatSiteOptions, Network } from "./network.ts"
import { sizeOf } from "./packet.ts"
import { Random } from "./random.ts"
import { Probe } from "./testing/probe.ts"

const dependences = ["endpoint-independent", "address-dependent", "address-and-port-dependent"] as const

/** A server with two addresses and two ports on each (RFC 5780 §3), and a host behind a NAT. */
function world(nat: NatSiteOptions, seed = 1) {
  const net = new Internet(seed)
  const host = net.host("server", { addresses: ["5.0.0.1", "5.0.0.2"] })
  const [primary, otherPort, otherAddress, otherBoth] = [
    new Probe(host, 3478),
    new Probe(host, 3479),
    new Probe(host, 3478, "5.0.0.2"),
    new Probe(host, 3479, "5.0.0.2"),
  ]
  const home = net.nat(nat)
  const ada = home.host("ada")
  return { net, home, ada, primary, otherPort, otherAddress, otherBoth }
}

type World = ReturnType<typeof world>

/** RFC 5780 §4.3: where the same socket seems to be, seen from elsewhere. */
function observedMapping({ net, ada, primary, otherPort, otherAddress, otherBoth }: World): Dependence {
  const socket = new Probe(ada, 5000)
  for (const server of [primary, otherPort, otherAddress, otherBoth]) socket.say("where am I", server)
  net.run(100)
  const [first, port, address, both] = [primary, otherPort, otherAddress, otherBoth].map(server =>
    server.heardFrom("where am I"),
  )
  if (first === port && first === address && first === both) return "endpoint-independent"
  assert.notEqual(first, address)
  return first === port && address === both ? "address-dependent" : "address-and-port-dependent"
}

/** RFC 5780 §4.4: who may answer what was sent to the primary address. */
function observedFiltering({ net, ada, primary, otherPort, otherAddress, otherBoth }: World): Dependence {
  const socket = new Probe(ada, 6000)
  socket.say("answer me", primary)
  net.run(100)
  const mapped = primary.heardFrom("answer me")!
  for (const [name, server] of Object.entries({ primary, otherPort, otherAddress, otherBoth }))
    server.say(name, mapped)
  net.run(100)
  assert.ok(socket.heardFrom("primary"))
  if (socket.heardFrom("otherAddress") && socket.heardFrom("otherBoth")) return "endpoint-independent"
  assert.equal(socket.heardFrom("otherAddress"), undefined)
  return socket.heardFrom("otherPort") ? "address-dependent" : "address-and-port-dependent"
}

/** Where a socket of `host` seems to be to `server`. */
function mapped(net: Internet, host: Host, port: number, server: Probe): string {
  const socket = new Probe(host, port)
  socket.say(`${host.name} ${port}`, server)
  net.run(100)
  return server.heardFrom(`${host.name} ${port}`)!
}

describe("A NAT, as probes of RFC 5780 see it", () => {
  for (const mapping of dependences)
    for (const filtering of dependences)
      test(`REQ-1, REQ-8: ${mapping} mapping, ${filtering} filtering`, () => {
        for (const ports of ["preserved", "random"] as const) {
          const filter = observedFiltering(world({ mapping, filtering, ports }))
          assert.equal(filter, filtering, ports)
        }
        const preserving = observedMapping(world({ mapping, filtering, ports: "preserved" }))
        assert.equal(preserving, "endpoint-independent", "one port as long as nobody else wants it")
        assert.equal(observedMapping(world({ mapping, filtering, ports: "random" })), mapping)
      })

  test("§4.2.1: the port is preserved; REQ-3: a second host that wants it gets another, and both are answered", () => {
    const { net, home, ada, primary } = world({})
    const ben = home.host("ben")
    const first = mapped(net, ada, 5000, primary)
    const second = mapped(net, ben, 5000, primary)
    assert.match(first, /:5000$/)
    assert.notEqual(second, first)
    assert.equal(second.split(":")[0], first.split(":")[0])
  })

  test("a mapping that depends on the address keeps one port until two hosts collide", () => {
    const { net, home, ada, primary, otherAddress } = world({
      mapping: "address-dependent",
      ports: "preserved",
    })
    mapped(net, home.host("ben"), 5000, primary)
    const socket = new Probe(ada, 5000)
    socket.say("a", primary)
    socket.say("b", otherAddress)
    net.run(100)
    assert.notEqual(primary.heardFrom("a"), otherAddress.heardFrom("b"))
  })

  test("REQ-3a, REQ-4: random ports are 1024 and above, of the parity of the internal one", () => {
    const { net, ada, primary } = world({ ports: "random" })
    for (let port = 5000; port < 5100; port++) {
      const external = Number(mapped(net, ada, port, primary).split(":")[1])
      assert.ok(external >= 1024 && external % 2 === port % 2, `${port} became ${external}`)
    }
  })

  test("REQ-2: paired pooling gives each host one external address; arbitrary pooling any of them", () => {
    const addressesOf = (pooling: "paired" | "arbitrary") => {
      const { net, home, ada, primary } = world({ pooling, addresses: 4 })
      const of = (host: Host) =>
        new Set(Array.from({ length: 20 }, (_, i) => mapped(net, host, 5000 + i, primary).split(":")[0]))
      return [of(ada), of(home.host("ben"))] as const
    }
    const [ada, ben] = addressesOf("paired")
    assert.deepEqual([ada.size, ben.size, new Set([...ada, ...ben]).size], [1, 1, 2])
    assert.ok(addressesOf("arbitrary")[0].size > 1)
  })

  test("REQ-9: two hosts behind it reach each other by their external endpoints, and see those (REQ-9a)", () => {
    for (const hairpinning of [true, false]) {
      const { net, home, ada, primary } = world({ hairpinning })
      const ben = home.host("ben")
      const [adas, bens] = [new Probe(ada, 5000), new Probe(ben, 6000)]
      adas.say("ada", primary)
      bens.say("ben", primary)
      net.run(100)
      const [outsideAda, outsideBen] = [primary.heardFrom("ada")!, primary.heardFrom("ben")!]
      adas.say("opens", outsideBen)
      bens.say("arrives", outsideAda)
      adas.say("arrives too", outsideBen)
      net.run(100)
      assert.equal(adas.heardFrom("arrives"), hairpinning ? outsideBen : undefined)
      assert.equal(bens.heardFrom("arrives too"), hairpinning ? outsideAda : undefined)
    }
  })

  test("REQ-5, REQ-6: a binding lives for two minutes behind the last outbound packet, whatever comes in", () => {
    const { net, ada, primary } = world({ filtering: "endpoint-independent", ports: "random" })
    const socket = new Probe(ada, 5000)
    socket.say("begin", primary)
    net.run(100)
    const first = primary.heardFrom("begin")!
    net.run(100_000)
    socket.say("refresh", primary)
    for (let i = 1; i <= 3; i++) {
      net.run(39_000)
      primary.say(`after ${i}`, first)
    }
    net.run(39_000)
    primary.say("too late", first)
    net.run(100)
    assert.deepEqual(
      socket.heard.map(({ text }) => text),
      ["after 1", "after 2", "after 3"],
    )
    socket.say("again", primary)
    net.run(100)
    assert.notEqual(primary.heardFrom("again"), first, "and then it has another port")
  })

  test("a reboot forgets the bindings: nothing comes in until something went out", () => {
    const { net, home, ada, primary } = world({})
    const socket = new Probe(ada, 5000)
    socket.say("begin", primary)
    net.run(100)
    const outside = primary.heardFrom("begin")!
    home.reboot()
    primary.say("lost", outside)
    net.run(100)
    socket.say("again", primary)
    net.run(100)
    primary.say("heard", outside)
    net.run(100)
    assert.deepEqual(
      socket.heard.map(({ text }) => text),
      ["heard"],
    )
  })

  test("a reboot forgets the pairs, too: whoever speaks first has the first address", () => {
    const { net, home, ada, primary } = world({ addresses: ["5.9.0.1", "5.9.0.2"] })
    const ben = home.host("ben")
    const order = (...hosts: Host[]) => hosts.map(host => mapped(net, host, 0, primary).split(":")[0])
    assert.deepEqual(order(ada, ben), ["5.9.0.1", "5.9.0.2"])
    primary.heard.length = 0
    home.reboot()
    assert.deepEqual(order(ben, ada), ["5.9.0.1", "5.9.0.2"])
  })

  test("a home behind a carrier's NAT has the stricter behaviour of both", () => {
    const observe = (home: NatSiteOptions, carrier: NatSiteOptions) => {
      const at = world({})
      const cgn = at.net.nat({ name: "carrier", subnet: "100.64.0.0", ...carrier })
      const inner: Network = cgn.nat({ name: "home", ...home })
      const filtering = observedFiltering({ ...at, ada: inner.host("ada") })
      const mapping = observedMapping({ ...at, ada: inner.host("ben") })
      return [mapping, filtering]
    }
    const open = { filtering: "endpoint-independent" } as const
    const strict = { mapping: "address-and-port-dependent" } as const
    const stricter = ["address-and-port-dependent", "address-and-port-dependent"]
    assert.deepEqual(observe(open, open), ["endpoint-independent", "endpoint-independent"])
    assert.deepEqual(observe(open, strict), stricter)
    assert.deepEqual(observe(strict, open), stricter)
  })

  test("two homes have the same private addresses, and packets to one never end in the other", () => {
    const { net, ada, home } = world({ filtering: "endpoint-independent" })
    const ben = net.nat().host("ben")
    assert.equal(ada.address(), ben.address())
    const [adas, bens] = [new Probe(ada, 5000), new Probe(ben, 5000)]
    adas.say("to a private address", bens)
    net.run(100)
    // That address is Ada's own.
    assert.deepEqual([adas.heard.length, bens.heard.length], [1, 0])
    const cyd = new Probe(home.host("cyd"), 5000)
    bens.say("to nobody here", cyd)
    net.run(100)
    assert.deepEqual(cyd.heard, [])
  })

  test("when every port of a parity is taken, what needs another is dropped", () => {
    const endpoints = new Endpoints()
    const [inside, outside, far] = ["10.0.0.1", "5.0.0.1", "6.0.0.1"].map(text => endpoints.parse(text))
    const nat = new Nat(new Random(1), [outside!], { mapping: "address-and-port-dependent" })
    const fates = new Map<string, number>()
    for (let port = 1; port <= 32_300; port++) {
      const packet = {
        id: 0,
        protocol: "udp" as const,
        from: endpointOf(inside!, 5000),
        to: endpointOf(far!, port),
        payload: new Uint8Array(0),
        segment: undefined,
        size: sizeOf("udp", 4, 0),
        waited: false,
      }
      const fate = nat.outbound(packet, 0)
      fates.set(fate, (fates.get(fate) ?? 0) + 1)
    }
    assert.deepEqual(Object.fromEntries(fates), { passes: 32_256, "out of ports": 44 })
  })

  test("never are two internal endpoints outside under one name at a time", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(...dependences),
        fc.constantFrom("preserved" as const, "random" as const),
        fc.array(fc.tuple(fc.nat(2), fc.nat(3), fc.nat(3), fc.nat(90_000)), { maxLength: 40 }),
        (seed, mapping, ports, steps) => {
          const at = world({ mapping, ports, addresses: 2 }, seed)
          const hosts = [at.ada, at.home.host("ben"), at.home.host("cyd")]
          const servers = [at.primary, at.otherPort, at.otherAddress, at.otherBoth]
          const sockets = hosts.map(host => Array.from({ length: 4 }, (_, i) => new Probe(host, 5000 + i)))
          const owner = new Map<string, { readonly who: string; readonly until: number }>()
          for (const [host, socket, server, wait] of steps) {
            const who = `${host} ${socket}`
            servers[server]!.heard.length = 0
            sockets[host]![socket]!.say(who, servers[server]!)
            at.net.run(50)
            const outside = servers[server]!.heardFrom(who)!
            const other = owner.get(outside)
            assert.ok(
              other === undefined || other.who === who || other.until < at.net.now,
              `${who} has ${outside}`,
            )
            owner.set(outside, { who, until: at.net.now + 120_000 - 50 })
            at.net.run(wait)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})
