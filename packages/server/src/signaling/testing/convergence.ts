import assert from "node:assert/strict"
import type { View } from "@tightbeam/client"
import type { Internet } from "@tightbeam/sim"
import { type Client, World } from "./world.ts"

/**
 * A minute of joins, leaves, renames, publications, raised hands, broken sockets and half-open ones, of hosts who lock,
 * let in and send out, over a link with loss; then quiet. At the end everybody who is in the room must hold the same
 * view of it, in the same order, at the same number, and nobody else may be in it; hosts know who waits, who waits
 * knows nothing; and what they said to each other arrived, once, in order.
 */
export function converges(seed: number, watch?: (internet: Internet) => void): void {
  const probe = new World(
    seed,
    { delay: 5 + (seed % 100), jitter: seed % 40, loss: (seed % 5) / 20 },
    { open: true },
  )
  const { network } = probe
  watch?.(network)
  const random = network.random.fork("people")
  const clients = Array.from({ length: 2 + random.below(4) }, (_, i) => probe.client(i))

  for (let step = 0; step < 25; step++) {
    act(random.pick(clients))
    network.schedule.run(random.below(3000))
  }
  // Quiet is the line as well: TCP waits ever longer for what is lost again and again, and an idle limit is nobody's fault.
  network.inside.change({ delay: 5 + (seed % 100), jitter: seed % 40 })
  // Longer than any backoff, grace period and idle limit together.
  network.schedule.run(90_000)

  const waiting = clients.filter(client => client.isWaiting)
  const present = clients.filter(client => client.session !== undefined && !client.isWaiting)
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
    present.length + waiting.length,
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
  const hosts = present.filter(client => client.view!.self.host)
  assert.ok(
    hosts.length > 0 || clients.every(client => client.session === undefined),
    `seed ${seed}: no host`,
  )
  for (const host of hosts) {
    const { locked, waiting: seen } = host.session!.lobby!
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).sort()
    assert.deepEqual(names(seen), names(waiting), `seed ${seed}: a host sees others waiting than do`)
    assert.ok(locked || seen.length === 0, `seed ${seed}: somebody waits before an open room`)
  }
  for (const client of clients) {
    if (!client.view?.self.host)
      assert.equal(client.session?.lobby, undefined, `seed ${seed}: a lobby of no host`)
    if (client.isWaiting) assert.equal(client.view, undefined, `seed ${seed}: who waits sees the room`)
    const told = [...client.heardOutside].filter(type => !["waiting", "error", "pong"].includes(type))
    assert.deepEqual(told, [], `seed ${seed}: somebody outside was told of the room`)
  }
  for (const { id } of members)
    assert.ok(!probe.revoked.has(id), `seed ${seed}: relay taken from who is here`)
  for (const each of probe.evidence)
    assert.ok(
      each.kind !== "left" || probe.revoked.has(each.participant),
      `seed ${seed}: relay left to who is gone`,
    )
  for (const { participant } of kicked(probe)) {
    assert.ok(!members.some(({ id }) => id === participant), `seed ${seed}: who was sent out is still there`)
    for (const { was, parted } of clients)
      assert.ok(!was.has(participant) || parted.has(participant), `seed ${seed}: sent out without being told`)
  }
  if (present.length === 0)
    assert.equal(probe.rooms.counters().rooms, 0, `seed ${seed}: an empty room is kept`)

  function act(client: Client): void {
    if (client.session === undefined) return client.join("standup")
    switch (random.below(12)) {
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
      case 5:
        return client.session.send({ type: "hand", raised: random.chance(0.7) })
      // What follows is refused to who is no host.
      case 6:
        return client.session.send({ type: "lock", locked: random.chance(0.8) })
      case 7:
      case 8: {
        const next = client.session.lobby?.waiting[0]?.id
        if (next === undefined) return
        return client.session.send({ type: "admit", participant: next, admit: random.chance(0.7) })
      }
      case 9: {
        const peer = client.view && [...client.view.peers.keys()].at(-1)
        if (peer !== undefined) client.session.send({ type: "kick", participant: peer })
        return
      }
      case 10: {
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

function kicked({ evidence }: World): { participant: string }[] {
  return evidence.flatMap(each => (each.kind === "left" && each.why === "kicked" ? [each] : []))
}

function wholeRoom(client: Client): { seq: number; members: { id: string }[] } {
  const view: View = client.view!
  assert.ok(view, "a client that stayed has no view of the room")
  const members = [view.self, ...view.peers.values()].map(({ id, name, publications, away, host, hand }) => ({
    id,
    name,
    publications,
    away,
    host,
    hand,
  }))
  return { seq: view.seq, members: members.sort((a, b) => a.id.localeCompare(b.id)) }
}
