import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Random } from "@tightbeam/sim"
import type { Room } from "./room.ts"
import { World } from "./testing/world.ts"

const SEEDS = 60

/** Somebody who says numbers, and writes down whose numbers they heard. */
interface Person {
  readonly name: string
  readonly room: Room
  /** By whom, in order. */
  readonly heard: Map<string, number[]>
  /** To whom, and whether it must arrive. */
  readonly said: { readonly to: string; readonly n: number; accepted: boolean | undefined }[]
  /** Who is in the room, or was when it was lost to us, by name, as the participant that they are or were. */
  readonly around: Map<string, string>
  /** Participants that have described a connection: who has not cannot be known again. */
  readonly described: Set<string>
}

async function person(world: World, name: string): Promise<Person> {
  const room = await world.joined(name)
  const it: Person = { name, room, heard: new Map(), said: [], around: new Map(), described: new Set() }
  const names = new Map<string, string>()
  let self = room.snapshot().self!.id
  room.on("state", ({ status }) => {
    if (status !== "connected") return
    // Who we still are to the server, and whom it does not name, left meanwhile.
    if (self === room.snapshot().self!.id) it.around.clear()
    self = room.snapshot().self!.id
  })
  room.subscribe(() => {
    for (const { id, name } of room.snapshot().participants) names.set(id, name)
    for (const { id, name } of room.snapshot().participants) {
      it.around.set(name, id)
      if (room.connection(id)?.remoteDescription) it.described.add(id)
    }
  })
  room.on("participant", ({ participant, change }) => {
    if (change === "left") it.around.delete(participant.name)
  })
  room.on("message", ({ data, from }) => {
    const numbers = it.heard.get(names.get(from)!) ?? []
    it.heard.set(names.get(from)!, numbers)
    numbers.push(data as number)
  })
  return it
}

/** Three people talk while whatever can break does; in the end everything mends. */
async function everythingArrivesOnce(seed: number): Promise<void> {
  const random = new Random(seed)
  const world = new World()
  world.connections.latency = 1 + random.below(20)
  const people = [await person(world, "Ada"), await person(world, "Ben"), await person(world, "Cyd")]
  let n = 0

  const say = (from: Person) => {
    n++
    const { participants } = from.room.snapshot()
    const toAll = participants.length === 0 || random.chance(0.7)
    const to = toAll ? undefined : random.pick(participants)
    const known = [...from.around].filter(([, id]) => from.described.has(id)).map(([name]) => name)
    const recipients = known.filter(name => to === undefined || name === to.name)
    const said = recipients.map(name => ({ to: name, n, accepted: undefined as boolean | undefined }))
    from.said.push(...said)
    const settle = (accepted: boolean) => {
      for (const each of said) each.accepted = accepted
    }
    from.room.send("n", n, to && { to: to.id }).then(
      () => settle(true),
      () => settle(false),
    )
  }
  const reconnect = ({ room }: Person) => {
    const { participants } = room.snapshot()
    if (participants.length > 0) room.reconnect(random.pick(participants).id)
  }
  const actions: (() => void)[] = [
    () => world.connections.establish(),
    () => world.connections.establish(),
    () => reconnect(random.pick(people)),
    () => random.pick(world.connections.open)?.become(random.pick(["disconnected", "failed"] as const)),
    () => random.pick(people).room.retryNow(),
    () => {
      const { name } = random.pick(people)
      if (world.server.has(name)) world.server.cut(name)
    },
  ]
  const rare: (() => void)[] = [
    () => world.server.restart(),
    () => {
      const { name } = random.pick(people)
      if (world.server.has(name)) world.server.forget(name)
    },
  ]
  for (let i = 0; i < 80; i++) {
    if (random.chance(0.6)) say(random.pick(people))
    else if (random.chance(0.9)) random.pick(actions)()
    else random.pick(rare)()
    await world.run(random.below(random.chance(0.1) ? 2000 : 60))
  }
  for (let i = 0; i < 60; i++) {
    await world.run(1000)
    world.connections.establish()
  }
  await world.run(2000)

  for (const from of people)
    for (const { name, heard } of people) {
      if (name === from.name) continue
      const numbers = heard.get(from.name) ?? []
      const label = `from ${from.name} to ${name}`
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
        `${label}: once, in order`,
      )
      for (const { to, n, accepted } of from.said) {
        if (to !== name) continue
        assert.notEqual(accepted, undefined, `${label}: ${n} neither accepted nor refused`)
        if (accepted) assert.ok(numbers.includes(n), `${label}: ${n} is lost`)
      }
    }
}

describe("A reliable message", () => {
  test(`arrives once and in order, whatever breaks, over ${SEEDS} seeds`, async () => {
    for (let seed = 0; seed < SEEDS; seed++)
      await everythingArrivesOnce(seed).catch((cause: unknown) => {
        throw new Error(`Seed ${seed}: everythingArrivesOnce(${seed}) replays it.`, { cause })
      })
  })
})
