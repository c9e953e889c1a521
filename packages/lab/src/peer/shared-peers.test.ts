/** Many peers on one socket, as a server has them. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Driver, Internet } from "@tightbeam/sim"
import { selfSignedCertificate } from "@tightbeam/webrtc/dtls"
import type { SharedPortEvent } from "@tightbeam/webrtc/ice"
import { type Peer, type PeerEvent, SharedPeers } from "@tightbeam/webrtc/peer"
import { quickCrypto } from "../quick-crypto.ts"
import { End, utf8 } from "./testing/peer-pair.ts"

/** A server on one socket, and clients that call it. */
class Server {
  readonly internet = new Internet(1)
  readonly peers = new SharedPeers()
  readonly heard = new Map<Peer, string[]>()
  readonly #host = this.internet.host("server")
  readonly driver: Driver<SharedPortEvent<PeerEvent, Peer>> = this.#host.run(this.peers)
  readonly #local = { ip: this.#host.ips[0]!, port: 5000 }
  readonly #socket = this.driver.listen(this.#local.port)
  readonly #crypto = quickCrypto(this.internet.random.fork("server"))
  readonly #certificate = selfSignedCertificate(this.#crypto)

  /** A client, and the peer that hears its description after `late` ms. */
  call(name: string, late = 0): { client: End; peer: Peer } {
    const client = new End(
      { host: name => this.internet.host(name), ice: () => ({}) },
      name,
      {},
      "controlling",
      "active",
    )
    const heard: string[] = []
    const peer = this.driver.command((now, out) =>
      this.peers.addPeer(
        {
          crypto: this.#crypto,
          certificate: this.#certificate,
          ice: { role: "controlled", lite: true },
          setup: "passive",
          onData: ({ bytes, offset, length }) =>
            void heard.push(new TextDecoder().decode(bytes.subarray(offset, offset + length))),
        },
        [{ socket: this.#socket, local: this.#local }],
        now,
        out,
      ),
    )
    this.heard.set(peer, heard)
    const describe = () =>
      this.driver.command((now, out) => {
        const remote = {
          ice: client.peer.ice,
          fingerprints: [client.peer.fingerprint],
          setup: "actpass",
        } as const
        this.peers.command(peer, out => peer.setRemote(remote, now, out), out)
      })
    if (late === 0) describe()
    else this.#host.schedule.after(late, describe)
    client.driver.command((now, out) => {
      const remote = {
        ice: { ...peer.ice, lite: true },
        fingerprints: [peer.fingerprint],
        setup: "passive",
      } as const
      client.peer.gather(client.host.ips, now, out)
      client.peer.setRemote(remote, now, out)
      client.peer.addRemoteCandidate(
        `candidate:1 1 udp 1 ${this.#local.ip.join(".")} ${this.#local.port} typ host`,
        now,
        out,
      )
    })
    return { client, peer }
  }

  send(peer: Peer, text: string): boolean {
    return this.driver.command((now, out) =>
      this.peers.command(
        peer,
        inner => {
          const bytes = utf8(text)
          const at = peer.reserve(bytes.length, now, inner)
          if (at < 0) return false
          inner.bytes.set(bytes, at)
          peer.commit(bytes.length, now, inner)
          return true
        },
        out,
      ),
    )
  }

  remove(peer: Peer): void {
    this.driver.command((now, out) => this.peers.remove(peer, now, out))
  }
}

describe("peers on one socket", () => {
  test("each hear their own other end, and no other's", () => {
    const server = new Server()
    const calls = Array.from({ length: 20 }, (_, i) => server.call(`client ${i}`))
    const isConnected = () =>
      calls.every(({ client, peer }) => client.peer.state === "connected" && peer.state === "connected")
    server.internet.runUntil(isConnected, 5_000)
    for (const { client, peer } of calls) {
      assert.ok(client.send(`from ${client.host.name}`))
      assert.ok(server.send(peer, `to ${client.host.name}`))
    }
    server.internet.run(100)
    for (const { client, peer } of calls) {
      assert.deepEqual(server.heard.get(peer), [`from ${client.host.name}`])
      assert.deepEqual(client.data, [`to ${client.host.name}`])
    }
  })

  test("hear what came before the description of who says it, as soon as it is here", () => {
    const server = new Server()
    const { client, peer } = server.call("client", 300)
    server.internet.run(299)
    assert.equal(client.peer.iceState, "connected")
    // Of DTLS 1.3, all but the first flight of the client; nothing is sent again within that time.
    server.internet.run(1 + 2 * 20)
    assert.deepEqual([client.peer.state, peer.state], ["connected", "connected"])
  })

  test("leave the others be when they leave, and say goodbye", () => {
    const server = new Server()
    const [one, two] = [server.call("one"), server.call("two")]
    server.internet.run(1_000)
    server.remove(one.peer)
    server.internet.run(100)
    assert.equal(one.client.peer.state, "closed")
    assert.ok(two.client.send("still here"))
    server.internet.run(100)
    assert.deepEqual(server.heard.get(two.peer), ["still here"])
    assert.equal(server.peers.size, 1)
    server.remove(two.peer)
    assert.equal(server.peers.nextTick, Infinity)
  })
})
