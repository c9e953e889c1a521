import assert from "node:assert/strict"
import type { Internet } from "@tightbeam/sim"
import { TurnNetwork } from "./turn-network.ts"

/**
 * A TURN client's life over a link that loses a third of everything, brings much twice and in any order: it gets all
 * that it was told to get and data flows, or it says that there is no allocation; nothing is left in the end.
 * `npm run sim -- turn --seed SEED` runs it alone.
 */
export function overABadLink(seed: number, watch?: (internet: Internet) => void): "worked" | "failed" {
  const fault = `seed ${seed}`
  const net = new TurnNetwork({
    seed,
    peers: 3,
    link: { loss: 0.35, jitter: 20, reordering: 0.5, reorderingDelay: 400, duplication: 0.2 },
  })
  watch?.(net.network)
  net.allocate()
  net.permit(...net.peers)
  for (const peer of net.peers) net.bind(peer)
  net.run(300_000)
  const types = net.driver.events.map(event => event.type)
  if (types.includes("failed")) {
    assert.deepEqual(types, ["failed"], fault)
    assert.equal(net.client.nextTick, Infinity, fault)
    return "failed"
  }
  assert.equal(types[0], "allocated", fault)
  assert.equal(types.filter(type => type === "channel-bound").length, 3, fault)
  assert.equal(net.server.counters().allocations, 1, fault)
  for (const peer of net.peers) for (let i = 0; i < 60; i++) assert.ok(net.say(peer, "hi"), fault)
  net.run(5000)
  assert.equal(new Set(net.heard.map(({ from }) => from)).size, 3, fault)
  net.close()
  net.until("closed")
  // Perhaps nothing of the farewell got through: then it runs out.
  net.run(600_000)
  assert.equal(net.server.counters().allocations, 0, fault)
  assert.equal(net.client.nextTick, Infinity, fault)
  return "worked"
}
