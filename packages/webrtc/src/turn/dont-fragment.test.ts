/** DONT-FRAGMENT (RFC 8656 §7.2, §11.2, §14, §18.9). */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Attribute, type StunWriter } from "../stun/index.ts"
import { Client } from "./testing/client.ts"
import { address, type Sent, World } from "./testing/world.ts"

const PEER = address("8.8.8.8:7000")
const DATA = Uint8Array.of(1, 2, 3)

const dontFragment = (writer: StunWriter): void => writer.flag(Attribute.dontFragment)

function relayed(sent: readonly Sent[]): { bytes: number[]; unfragmented: boolean }[] {
  return sent.map(({ bytes, unfragmented }) => ({ bytes: [...bytes], unfragmented: unfragmented === true }))
}

describe("Where the driver can set the DF bit", () => {
  const worldWithDf = () => new World({}, 4096, true)

  test("Allocate may ask for it, and a Send with it leaves unfragmented; nothing else does", () => {
    const client = new Client(worldWithDf(), "1.2.3.4:5000")
    assert.equal(client.allocate(dontFragment).code, 0)
    client.permit(PEER)
    client.bind(0x4000, PEER)
    const bytes = [...DATA]
    assert.deepEqual(relayed(client.sendTo(PEER, DATA, true)), [{ bytes, unfragmented: true }])
    assert.deepEqual(relayed(client.sendTo(PEER, DATA)), [{ bytes, unfragmented: false }])
    assert.deepEqual(relayed(client.channelData(0x4000, DATA)), [{ bytes, unfragmented: false }])
    assert.deepEqual(
      client.hear(PEER, DATA).map(({ unfragmented }) => unfragmented),
      [undefined],
    )
    const { bytesToPeers, packetsToPeers } = client.world.server.counters()
    assert.deepEqual([packetsToPeers, bytesToPeers], [3, 9])
  })

  test("a Send may ask for it where the Allocate did not, and to another allocation of this server", () => {
    const world = worldWithDf()
    const [ada, ben] = [new Client(world, "1.2.3.4:5000"), new Client(world, "1.2.3.5:5000", "ben")]
    for (const client of [ada, ben]) client.allocate()
    ada.permit(PEER, ben.relayed!)
    ben.permit(ada.relayed!)
    assert.equal(relayed(ada.sendTo(PEER, DATA, true))[0]!.unfragmented, true)
    assert.deepEqual(
      ada.sendTo(ben.relayed!, DATA, true).map(({ to }) => to),
      [ben.address],
    )
  })

  test("it opens nothing: a Send to who is not permitted is dropped", () => {
    const client = new Client(worldWithDf(), "1.2.3.4:5000")
    client.allocate(dontFragment)
    assert.deepEqual(client.sendTo(PEER, DATA, true), [])
    assert.equal(client.world.server.counters().drops["no-permission"], 1)
  })
})

test("where it cannot, Allocate is refused with 420, and a Send is dropped", () => {
  const client = new Client(new World(), "1.2.3.4:5000")
  const refused = client.allocate(dontFragment)
  assert.equal(refused.code, 420)
  assert.deepEqual([...refused.message.value(Attribute.unknownAttributes)!], [0, 0x1a])
  client.allocate()
  client.permit(PEER)
  assert.equal(client.sendTo(PEER, DATA).length, 1)
  assert.deepEqual(client.sendTo(PEER, DATA, true), [])
  assert.equal(client.world.server.counters().drops.unexpected, 1)
})
