/** Many agents on one socket: who hears what. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Socket } from "../contract/index.ts"
import { IceAgent } from "./agent.ts"
import type { IceEvent } from "./events.ts"
import { SharedPort, type SharedPortEvent } from "./shared-port.ts"
import { check, codeOf, HIGHEST, HOST, PEER, THEIRS, utf8 } from "./testing/peer.ts"
import { address, seededCrypto, Wire } from "./testing/wire.ts"

const LOCAL = { ...HOST, port: 3478 }

class TestPort {
  readonly port: SharedPort<IceEvent, IceAgent> = new SharedPort()
  readonly wire: Wire<SharedPortEvent<IceEvent, IceAgent>> = new Wire(this.port)
  readonly socket: Socket = this.wire.open(LOCAL)
  /** What was handed up, by the number of the agent. */
  readonly data: string[] = []
  readonly #crypto = seededCrypto(7)
  #last = 0

  add(): IceAgent {
    const number = ++this.#last
    const onData = () => void this.data.push(`agent ${number}`)
    const options = { crypto: this.#crypto, role: "controlled", lite: true, onData } as const
    const agent = this.wire.command((now, out) =>
      this.port.add(
        ufrags => new IceAgent(options, ufrags),
        (agent, out) => agent.gatherOn(this.socket, LOCAL, now, out),
        out,
      ),
    )
    this.wire.command((now, out) => this.port.command(agent, out => agent.setRemote(THEIRS, now, out), out))
    return agent
  }

  remove(agent: IceAgent): void {
    this.wire.command((now, out) => this.port.remove(agent, now, out))
  }

  /** A nominating check. Returns the codes of the answers. */
  checkOf(agent: IceAgent, from: typeof PEER = PEER): number[] {
    const bytes = check(agent.local, { role: "controlling", tieBreaker: HIGHEST, isNominating: true })
    return this.wire.deliver(this.socket, from, bytes).map(codeOf)
  }

  dataFrom(from: typeof PEER = PEER): void {
    this.wire.deliver(this.socket, from, utf8("hello"))
  }
}

describe("a shared port", () => {
  test("brings checks to whom they name, and data to whom the path is", () => {
    const test = new TestPort()
    const [one, two] = [test.add(), test.add()]
    const other = address("198.51.100.8:5000")
    assert.deepEqual(test.checkOf(one), [0])
    assert.deepEqual(test.checkOf(two, other), [0])
    test.dataFrom()
    test.dataFrom(other)
    test.dataFrom(address("203.0.113.66:6666"))
    assert.deepEqual(test.data, ["agent 1", "agent 2"])
  })

  test("does not answer a check for nobody, nor any bytes", () => {
    const test = new TestPort()
    test.add()
    const nobody = check({ ufrag: "nobody", pwd: "no/password/of/anybody's" })
    assert.deepEqual(test.wire.deliver(test.socket, PEER, nobody), [])
    for (const bytes of [utf8(""), Uint8Array.of(0), Uint8Array.of(1, 2, 3), nobody.slice(0, 30)])
      assert.deepEqual(test.wire.deliver(test.socket, PEER, bytes), [])
  })

  test("a restarted agent is found by both ufrags", () => {
    const test = new TestPort()
    const agent = test.add()
    test.checkOf(agent)
    const old = check(agent.local, { role: "controlling", tieBreaker: HIGHEST })
    test.wire.command((now, out) => test.port.command(agent, out => agent.restart(now, out), out))
    assert.deepEqual(test.wire.deliver(test.socket, PEER, old).map(codeOf), [0])
    assert.deepEqual(test.checkOf(agent), [0])
  })

  test("a path whose agent left is free for another", () => {
    const test = new TestPort()
    const one = test.add()
    test.checkOf(one)
    test.remove(one)
    assert.equal(test.wire.paths.held, 0)
    test.dataFrom()
    const two = test.add()
    test.checkOf(two)
    test.dataFrom()
    assert.deepEqual(test.data, ["agent 2"])
    test.remove(two)
    assert.equal(test.wire.paths.held, 0)
    assert.equal(test.port.size, 0)
    assert.equal(test.port.nextTick, Infinity)
  })

  test("of two that were checked from one address, who is checked last hears it; and the other, once that left", () => {
    const test = new TestPort()
    const [one, two] = [test.add(), test.add()]
    test.checkOf(one)
    test.checkOf(two)
    test.dataFrom()
    test.checkOf(one)
    test.dataFrom()
    test.checkOf(two)
    test.remove(two)
    test.checkOf(one)
    test.dataFrom()
    assert.deepEqual(test.data, ["agent 2", "agent 1", "agent 1"])
  })

  test("whoever leaves takes no path from who has it now", () => {
    const test = new TestPort()
    const [one, two] = [test.add(), test.add()]
    test.checkOf(one)
    test.checkOf(two)
    test.remove(one)
    test.dataFrom()
    assert.deepEqual(test.data, ["agent 2"])
  })

  test("is not taken over by who only knows another's ufrag", () => {
    const test = new TestPort()
    const [one, two] = [test.add(), test.add()]
    test.checkOf(one)
    const forged = check(two.local, { pwd: "no/password/of/anybody's", role: "controlling" })
    test.wire.deliver(test.socket, PEER, forged)
    test.dataFrom()
    assert.deepEqual(test.data, ["agent 1"])
  })

  test("closes no socket that is not its agents'", () => {
    const test = new TestPort()
    test.remove(test.add())
    assert.ok(test.wire.sockets.has(test.socket))
  })

  test("with thousands of agents wakes those that are due, and none else", () => {
    const test = new TestPort()
    const agents = Array.from({ length: 2_000 }, () => test.add())
    let ticks = 0
    for (const agent of agents) {
      const tick = agent.tick.bind(agent)
      agent.tick = (now, out) => {
        ticks++
        tick(now, out)
      }
    }
    test.checkOf(agents[1_000]!)
    ticks = 0
    // Consent of the one that was checked runs out; each of the others says once that it is still trying.
    test.wire.advance(31_000)
    assert.ok(ticks <= agents.length + 10, `${ticks} ticks`)
  })
})
