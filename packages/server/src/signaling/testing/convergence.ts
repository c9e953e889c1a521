import assert from "node:assert/strict"
import type { View } from "@tightbeam/client"
import { type Client, World } from "./world.ts"

/**
 * A minute of joins, leaves, renames, publications, broken sockets and half-open ones, over a link with
 * loss; then quiet. At the end everybody who is in the room must hold the same view of it, in the same
 * order, at the same number, and nobody else may be in it; and what they said to each other arrived, once, in order.
 */
export function converges(seed: number): void {
  const probe = new World(seed, { delay: 5 + (seed % 100), jitter: seed % 40, loss: (seed % 5) / 20 })
  const { network } = probe
  const random = network.random.fork("people")
  const clients = Array.from({ length: 2 + random.below(4) }, (_, i) => probe.client(i))

  for (let step = 0; step < 25; step++) {
    act(random.pick(clients))
    network.schedule.run(random.below(3000))
  }
  // Longer than any backoff, grace period and idle limit together.
  network.schedule.run(90_000)

  const present = clients.filter(client => client.session !== undefined)
  const views = present.map(client => wholeRoom(client))
  for (const view of views) assert.deepEqual(view, views[0], `seed ${seed}: two clients see different rooms`)
  const members = views[0]?.members ?? []
  assert.equal(
    members.length,
    present.length,
    `seed ${seed}: ${members.length} in the room, ${present.length} should be`,
  )
  assert.equal(
    probe.rooms.counters().participants,
    present.length,
    `seed ${seed}: the server remembers participants who are gone`,
  )
  for (const from of present) {
    for (const to of present) {
      // As long as both have been the same participants, nothing is lost and nothing doubled.
      const between = `${from.view!.self.id}>${to.view!.self.id}`
      const heard = to.heard.get(between) ?? []
      const said = Array.from({ length: from.said.get(between) ?? 0 }, (_, i) => i)
      assert.deepEqual(heard, said, `seed ${seed}: signals of ${between}`)
    }
  }
  if (present.length === 0)
    assert.equal(probe.rooms.counters().rooms, 0, `seed ${seed}: an empty room is kept`)

  function act(client: Client): void {
    if (client.session === undefined) return client.join("standup")
    switch (random.below(7)) {
      case 0:
        return client.leave()
      case 1:
        return client.cut(0)
      case 2:
        // Half-open: the server finds out late, perhaps after the client is back.
        return client.cut(random.below(20_000))
      case 3:
        return client.session.send({ type: "rename", name: `Name ${random.below(1000)}` })
      case 4:
        return client.session.send({
          type: "publish",
          publications: [
            { id: `pub${random.below(9)}`, kind: "video", source: "camera", muted: random.chance(0.5) },
          ],
        })
      case 5: {
        // A page that was closed without a word, and opened again.
        client.cut(random.below(5000))
        client.leave()
        return client.join("standup")
      }
      default: {
        const to = client.view && [...client.view.peers.keys()][0]
        if (to !== undefined) client.signal(to)
      }
    }
  }
}

function wholeRoom(client: Client): { seq: number; members: unknown[] } {
  const view: View = client.view!
  assert.ok(view, "a client that stayed has no view of the room")
  const members = [view.self, ...view.peers.values()].map(({ id, name, publications, away }) => ({
    id,
    name,
    publications,
    away,
  }))
  return { seq: view.seq, members: members.sort((a, b) => a.id.localeCompare(b.id)) }
}
