import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { type Path, PathTable } from "../contract/index.ts"
import {
  DEFAULT_LISTENER_LIMITS,
  DtlsConnection,
  DtlsListener,
  type DtlsListenerEvent,
  type DtlsListenerLimits,
  type DtlsOptions,
  type DtlsOut,
  fingerprintOf,
  selfSignedCertificate,
} from "./index.ts"

const certificate = selfSignedCertificate(nodeCrypto)

/** A listener, and clients who come to it from addresses of their own. No time passes but by `wait`. */
class World {
  now = 1_000
  readonly paths = new PathTable(64)
  readonly listener: DtlsListener
  readonly events: DtlsListenerEvent[] = []
  readonly received: string[] = []
  /** What the listener sent, by path. */
  readonly sent: { readonly path: Path; readonly bytes: Uint8Array }[] = []
  readonly #slab = new Uint8Array(20_000)
  #path: Path = -1

  constructor(limits: Partial<DtlsListenerLimits> = {}) {
    this.listener = new DtlsListener({
      crypto: nodeCrypto,
      certificate,
      remote: "anybody",
      listenerLimits: limits,
      onData: ({ bytes, offset, length }) =>
        this.received.push(new TextDecoder().decode(bytes.subarray(offset, offset + length))),
    })
  }

  path(port: number): Path {
    return this.paths.open(0, { ip: Uint8Array.of(192, 0, 2, 1), port })
  }

  get out() {
    return {
      paths: this.paths,
      bytes: this.#slab,
      view: new DataView(this.#slab.buffer),
      reserve: (path: Path, max: number) => {
        this.#path = path
        this.#slab.fill(0, 0, max)
        return 0
      },
      commit: (length: number) =>
        void this.sent.push({ path: this.#path, bytes: this.#slab.slice(0, length) }),
      forward: () => {},
      ask: () => {},
      tell: (event: DtlsListenerEvent) => void this.events.push(event),
      note: () => {},
    }
  }

  hear(path: Path, bytes: Uint8Array): void {
    const copy = Uint8Array.from(bytes)
    const view = new DataView(copy.buffer)
    this.listener.receive(
      { bytes: copy, view, offset: 0, length: copy.length, path, ecn: 0 },
      this.now,
      this.out,
    )
  }

  wait(ms: number): void {
    this.now += ms
    while (this.listener.nextTick <= this.now) this.listener.tick(this.now, this.out)
  }
}

/** Somebody who connects from one address. */
class Client {
  readonly connection: DtlsConnection
  readonly world: World
  readonly path: Path
  sent: Uint8Array[] = []
  readonly #slab = new Uint8Array(20_000)

  constructor(world: World, port: number, options: Partial<DtlsOptions> = {}) {
    this.world = world
    this.path = world.path(port)
    this.connection = new DtlsConnection({
      crypto: nodeCrypto,
      role: "client",
      certificate,
      remote: [fingerprintOf(nodeCrypto, certificate.der, "sha-256")],
      onData: () => {},
      ...options,
    })
    this.connection.start(world.now, this.out)
  }

  get out(): DtlsOut {
    return {
      ...this.world.out,
      bytes: this.#slab,
      view: new DataView(this.#slab.buffer),
      reserve: (_path, max) => {
        this.#slab.fill(0, 0, max)
        return 0
      },
      commit: length => void this.sent.push(this.#slab.slice(0, length)),
      tell: () => {},
    }
  }

  /** Until neither has anything to say. */
  talk(): this {
    const { world } = this
    while (this.sent.length > 0) {
      for (const bytes of this.sent.splice(0)) world.hear(this.path, bytes)
      for (const { path, bytes } of world.sent.splice(0)) {
        if (path !== this.path) continue
        const copy = Uint8Array.from(bytes)
        const d = {
          bytes: copy,
          view: new DataView(copy.buffer),
          offset: 0,
          length: copy.length,
          path,
          ecn: 0,
        }
        this.connection.receive(d, world.now, this.out)
      }
    }
    return this
  }

  say(text: string): this {
    const bytes = new TextEncoder().encode(text)
    this.#slab.set(bytes, this.connection.reserve(bytes.length, this.world.now, this.out))
    this.connection.commit(bytes.length, this.world.now, this.out)
    return this.talk()
  }
}

describe("a server for anybody who comes", () => {
  for (const version of ["1.2", "1.3"] as const) {
    test(`${version}: a client that comes back with the cookie is connected`, () => {
      const world = new World()
      const client = new Client(world, 1, { versions: [version] }).talk()
      assert.equal(client.connection.state, "connected")
      assert.equal(client.connection.version, version)
      client.say("hello")
      assert.deepEqual(world.received, ["hello"])
      assert.ok(world.listener.isConnected(client.path))
    })

    test(`${version}: nothing is kept for ten thousand who never come back, and each is sent less than they sent`, () => {
      const world = new World()
      const hello = new Client(world, 1, { versions: [version], groups: ["x25519"] }).sent
      assert.equal(hello.length, 1)
      for (let port = 1; port <= 10_000; port++) {
        world.hear(world.path(port), hello[0]!)
        const [answer] = world.sent.splice(0)
        assert.ok(answer!.bytes.length < hello[0]!.length)
      }
      assert.equal(world.listener.size, 0)
      assert.equal(world.listener.nextTick, Infinity)
    })

    test(`${version}: a cookie is good from the address that it was given to, and not for long`, () => {
      for (const [port, wait] of [
        [2, 0],
        [1, DEFAULT_LISTENER_LIMITS.cookie + 1],
      ] as const) {
        const world = new World()
        const client = new Client(world, 1, { versions: [version], groups: ["x25519"] })
        world.hear(client.path, client.sent.splice(0)[0]!)
        const { bytes } = world.sent.splice(0)[0]!
        const d = {
          bytes,
          view: new DataView(bytes.buffer),
          offset: 0,
          length: bytes.length,
          path: 0,
          ecn: 0,
        }
        client.connection.receive(d, world.now, client.out)
        world.now += wait
        for (const again of client.sent.splice(0)) world.hear(world.path(port), again)
        assert.equal(world.listener.size, 0)
      }
    })

    test(`${version}: a ClientHello that comes twice, the second time late, ends nothing`, () => {
      const world = new World()
      const client = new Client(world, 1, { versions: [version], groups: ["x25519"] })
      const heard: Uint8Array[] = []
      const hear = world.hear.bind(world)
      world.hear = (path, bytes) => {
        heard.push(bytes)
        hear(path, bytes)
      }
      client.talk()
      for (const bytes of heard) hear(client.path, bytes)
      assert.ok(world.listener.isConnected(client.path))
      client.say("still here")
      assert.deepEqual(world.received, ["still here"])
    })
  }

  /** A client that was challenged, and answers when its cookie is good no more. */
  function tooLate(version: "1.2" | "1.3"): { readonly world: World; readonly client: Client } {
    const world = new World()
    const client = new Client(world, 1, { versions: [version], groups: ["x25519"] })
    world.hear(client.path, client.sent.splice(0)[0]!)
    const { bytes } = world.sent.splice(0)[0]!
    const view = new DataView(bytes.buffer)
    const d = { bytes, view, offset: 0, length: bytes.length, path: 0, ecn: 0 }
    client.connection.receive(d, world.now, client.out)
    world.now += DEFAULT_LISTENER_LIMITS.cookie + 1
    return { world, client }
  }

  test("1.2: with a cookie that is good no more it gets another (RFC 6347 §4.2.1)", () => {
    assert.equal(tooLate("1.2").client.talk().connection.state, "connected")
  })

  test("1.3: with a cookie that is good no more it is told, for it may be asked once only (RFC 9147 §5.1)", () => {
    const { world, client } = tooLate("1.3")
    for (const bytes of client.sent) world.hear(client.path, bytes)
    assert.deepEqual([world.sent[0]!.bytes[0], ...world.sent[0]!.bytes.subarray(13)], [21, 2, 47])
  })

  test("a ClientHello of two datagrams, in either order", () => {
    const world = new World()
    const client = new Client(world, 1)
    assert.equal(client.sent.length, 2)
    client.sent.reverse()
    client.talk()
    assert.equal(client.connection.group, "X25519MLKEM768")
    assert.equal(client.connection.state, "connected")
  })

  test("half a ClientHello that never came whole is not in the way of the next one from there", () => {
    const world = new World()
    const before = new Client(world, 1, { srtp: ["AEAD_AES_128_GCM"] })
    world.hear(before.path, before.sent[0]!)
    assert.equal(new Client(world, 1).talk().connection.state, "connected")
  })

  test("of halves of ClientHellos only so many are kept, the newest", () => {
    const world = new World({ partialHellos: 4 })
    const first = new Client(world, 1)
    world.hear(first.path, first.sent[0]!)
    for (let port = 2; port < 50; port++) {
      const stranger = new Client(world, port)
      world.hear(stranger.path, stranger.sent[0]!)
    }
    world.hear(first.path, first.sent[1]!)
    assert.equal(world.sent.length, 0)
    const last = new Client(world, 60).talk()
    assert.equal(last.connection.state, "connected")
  })

  test("who offers nothing that is taken is told so", () => {
    const world = new World()
    const client = new Client(world, 1)
    const hello = Uint8Array.of(
      1,
      0,
      0,
      42,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      42,
      0xfe,
      0xff,
      ...new Uint8Array(34),
      0,
      2,
      0xc0,
      0x2b,
      1,
      0,
    )
    world.hear(client.path, Uint8Array.of(22, 0xfe, 0xff, ...new Uint8Array(8), 0, hello.length, ...hello))
    assert.deepEqual([...world.sent[0]!.bytes.subarray(0, 1)], [21])
    assert.equal(world.listener.size, 0)
  })

  test("a client that begins anew from the same address takes the place of the one before", () => {
    const world = new World()
    new Client(world, 1).talk().say("one")
    const second = new Client(world, 1).talk().say("two")
    assert.equal(second.connection.state, "connected")
    assert.deepEqual(world.received, ["one", "two"])
    assert.deepEqual(
      world.events.map(({ state }) => state),
      ["connecting", "connected", "closed", "connecting", "connected"],
    )
    assert.equal(world.listener.size, 1)
  })

  test("connections are as many as the limit, and go when they close or nothing comes", () => {
    const world = new World({ connections: 2, idle: 5_000 })
    const [one, two, three] = [1, 2, 3].map(port => new Client(world, port).talk())
    assert.equal(three!.connection.state, "connecting")
    one!.connection.close(world.now, one!.out)
    one!.talk()
    assert.equal(world.listener.size, 1)
    world.wait(4_000)
    two!.say("still here")
    world.wait(4_000)
    assert.equal(world.listener.size, 1)
    world.wait(1_001)
    assert.equal(world.listener.size, 0)
    assert.equal(world.listener.nextTick, Infinity)
  })

  test("one address has only so many connections, so that others find room", () => {
    const world = new World({ connections: 4, connectionsPerAddress: 2 })
    const [first, second, third] = [1, 2, 3].map(port => new Client(world, port).talk())
    assert.equal(second!.connection.state, "connected")
    assert.equal(third!.connection.state, "connecting")
    first!.connection.close(world.now, first!.out)
    first!.talk()
    assert.equal(new Client(world, 4).talk().connection.state, "connected")
    assert.equal(new Client(world, 5).talk().connection.state, "connecting")
  })
})
