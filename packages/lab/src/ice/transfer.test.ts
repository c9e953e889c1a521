import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Host, Internet } from "@tightbeam/sim"
import { Transfer } from "./transfer.ts"

const PORT = 5000

function between(net: Internet, spoil?: (bytes: Uint8Array) => void): readonly [Transfer, Transfer] {
  const hosts = [net.host("a"), net.host("b")]
  const address = (host: Host) => ({ ip: host.ips[0]!, port: PORT })
  const [a, b] = hosts.map((host, i) => {
    const transfer = new Transfer(net.schedule, 100_000, bytes => {
      const copy = bytes.slice()
      spoil?.(copy)
      host.send(address(host), address(hosts[1 - i]!), copy)
      return true
    })
    host.bind(PORT, bytes => transfer.receive(bytes))
    return transfer
  })
  return [a!, b!]
}

describe("a transfer", () => {
  test("carries everything both ways over a link that loses, repeats and reorders", () => {
    const net = new Internet({ seed: 1, link: { delay: 40, loss: 0.2, duplication: 0.1, reordering: 0.3 } })
    const [a, b] = between(net)
    a.start()
    b.start()
    net.runUntil(() => a.isDone && b.isDone, 30_000)
    assert.ok(a.roundTrip >= 80 && a.roundTrip < 130, `${a.roundTrip} ms`)
  })

  test("is not done while one direction is missing", () => {
    const net = new Internet(1)
    const [a, b] = between(net)
    a.start()
    net.run(30_000)
    assert.deepEqual([a.isDone, b.isDone], [false, false])
  })

  test("sees a byte that was changed on its way", () => {
    const net = new Internet(1)
    const [a] = between(net, bytes => {
      if (bytes.length === 1003) bytes[500]! ^= 1
    })
    a.start()
    assert.throws(() => net.run(1000), /chunk 0 was changed on its way/)
  })
})
