/** The Binding client of `stun` asks the server of `turn`, over a path that loses and delays. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Address, formatAddress } from "../bytes/index.ts"
import { type Datagram, HEADROOM, type Out, PathTable, TAILROOM } from "../contract/index.ts"
import { BindingClient, type BindingEvent, MAX_OUTSTANDING_QUERIES } from "../stun/index.ts"
import { address, LISTENER, seededCrypto, World } from "./testing/world.ts"

const SERVER = address("5.5.5.5:3478")
const DELAY = 30

/** A client behind a NAT: the server sees it as `reflexive`. */
class Exchange {
  now = 0
  readonly world = new World()
  readonly client: BindingClient
  readonly paths = new PathTable(64)
  readonly events: BindingEvent[] = []
  requests = 0
  readonly #reflexive: Address
  readonly #loses: () => boolean
  #underWay: { at: number; bytes: Uint8Array }[] = []
  readonly #out: Out<BindingEvent>

  constructor(reflexive: Address, loses: () => boolean, seed: number) {
    this.client = new BindingClient({ crypto: seededCrypto(seed) })
    this.#reflexive = reflexive
    this.#loses = loses
    this.#out = this.#makeOut()
  }

  query(): number {
    return this.client.query(this.paths.open(0, SERVER), this.now, this.#out)
  }

  run(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const next = Math.min(this.client.nextTick, ...this.#underWay.map(({ at }) => at))
      if (next > end) break
      this.now = Math.max(this.now, next)
      const arrived = this.#underWay.filter(({ at }) => at <= this.now)
      this.#underWay = this.#underWay.filter(({ at }) => at > this.now)
      for (const { bytes } of arrived) this.#deliver(bytes)
      this.client.tick(this.now, this.#out)
    }
    this.now = end
  }

  #deliver(payload: Uint8Array): void {
    const bytes = new Uint8Array(HEADROOM + payload.length + TAILROOM).fill(0xaa)
    bytes.set(payload, HEADROOM)
    const view = new DataView(bytes.buffer)
    const path = this.paths.open(0, SERVER)
    const d: Datagram = { bytes, view, offset: HEADROOM, length: payload.length, path, ecn: 0 }
    this.client.receive(d, this.now, this.#out)
  }

  #makeOut(): Out<BindingEvent> {
    const slab = new Uint8Array(2048)
    return {
      paths: this.paths,
      bytes: slab,
      view: new DataView(slab.buffer),
      reserve: () => {
        slab.fill(0xaa)
        return 0
      },
      commit: length => {
        this.requests++
        if (this.#loses()) return
        for (const { bytes } of this.world.deliver(LISTENER, this.#reflexive, slab.slice(0, length))) {
          if (!this.#loses()) this.#underWay.push({ at: this.now + 2 * DELAY, bytes })
        }
      },
      forward: () => assert.fail("forwards nothing"),
      ask: () => assert.fail("asks for nothing"),
      tell: event => this.events.push(event),
      note: () => assert.fail("notes nothing"),
    }
  }
}

describe("BindingClient", () => {
  for (const reflexive of ["1.2.3.4:40000", "[2a01::7]:40000"]) {
    test(`learns that it is seen as ${reflexive}`, () => {
      const exchange = new Exchange(address(reflexive), () => false, 1)
      const query = exchange.query()
      exchange.run(1000)
      assert.equal(exchange.requests, 1)
      const [event] = exchange.events
      assert.ok(event?.type === "reflexive")
      assert.equal(event.query, query)
      assert.equal(formatAddress(event.reflexive), reflexive)
      assert.equal(event.roundTrip, 2 * DELAY)
      assert.equal(exchange.client.nextTick, Infinity)
    })
  }

  test("through heavy loss, over many seeds: one event for each query", () => {
    for (let seed = 1; seed <= 60; seed++) {
      let state = seed
      const loses = () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        return state / 2 ** 32 < 0.4
      }
      const exchange = new Exchange(address("1.2.3.4:40000"), loses, seed)
      const queries = [exchange.query(), exchange.query()]
      exchange.run(40_000)
      assert.deepEqual(
        exchange.events.map(event => event.query).sort((a, b) => a - b),
        queries,
        `seed ${seed}`,
      )
      for (const event of exchange.events) {
        if (event.type === "reflexive") assert.equal(formatAddress(event.reflexive), "1.2.3.4:40000")
        else assert.equal(event.reason, "timeout")
      }
      assert.equal(exchange.client.nextTick, Infinity)
    }
  })

  test("gives up after 39.5 s of silence, and lets its path go", () => {
    const exchange = new Exchange(address("1.2.3.4:40000"), () => true, 1)
    const query = exchange.query()
    exchange.run(39_499)
    assert.deepEqual(exchange.events, [])
    exchange.run(1)
    assert.deepEqual(exchange.events, [{ type: "failed", query, reason: "timeout" }])
    assert.equal(exchange.requests, 7)
    assert.throws(() => exchange.paths.release(exchange.paths.open(0, SERVER)), /not held/)
  })

  test("has at most ten queries under way", () => {
    const exchange = new Exchange(address("1.2.3.4:40000"), () => true, 1)
    for (let i = 0; i < MAX_OUTSTANDING_QUERIES; i++) exchange.query()
    assert.throws(() => exchange.query(), RangeError)
  })
})
