import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { ClientMessage, ServerMessage } from "@tightbeam/client"
import type { Host } from "@tightbeam/sim"
import { parseIp } from "@tightbeam/webrtc/bytes"
import fc from "fast-check"
import type { SignalingLimits } from "./limits.ts"
import { World } from "./testing/world.ts"

/** A client that says exactly what a test tells it to. */
function raw(
  world: World,
  index: number,
  host: Host = world.network.host(`raw${index}`, { addresses: [`192.0.2.${index + 1}`] }),
) {
  const received: ServerMessage[] = []
  let closed: string | undefined
  const stream = host.connectStream(
    { ip: parseIp("203.0.113.1")!, port: 443 },
    {
      message: text => received.push(JSON.parse(text) as ServerMessage),
      closed: why => {
        closed = why
      },
    },
  )
  world.network.schedule.run(100)
  const say = (message: ClientMessage | string) => {
    stream.send(typeof message === "string" ? message : JSON.stringify(message))
    world.network.schedule.run(100)
    return received.at(-1)
  }
  return {
    received,
    say,
    closed: () => closed,
    /** The network drops the socket. */
    cut: () => stream.cut(0),
    sayAtOnce: (...messages: string[]) => {
      for (const message of messages) stream.send(message)
      world.network.schedule.run(100)
    },
    join: (room = "standup", token = world.token(room), name = `Raw ${index}`) =>
      say({ type: "join", version: 1, room, token, name }),
    last: <Type extends ServerMessage["type"]>(type: Type) =>
      received.findLast((each): each is Extract<ServerMessage, { type: Type }> => each.type === type),
  }
}

const world = (limits: Partial<SignalingLimits> & { open?: boolean } = {}) =>
  new World("rooms", { delay: 5 }, limits)

describe("Joining", () => {
  test("gives the newcomer the room and the polite role, and the others the newcomer", () => {
    const at = world()
    const [ada, ben] = [raw(at, 0), raw(at, 1)]
    ada.join("standup", undefined, "Ada")
    ben.join("standup", undefined, "Ben")
    const joined = ben.last("joined")!
    assert.equal(joined.participants.length, 1)
    assert.equal(joined.participants[0]!.name, "Ada")
    assert.equal(joined.participants[0]!.role, "polite")
    const told = ada.last("participant")!
    assert.ok(
      told.change === "joined" && told.participant.name === "Ben" && told.participant.role === "impolite",
    )
    assert.equal(told.seq, joined.seq)
  })

  const refusals: [what: string, message: Parameters<ReturnType<typeof raw>["say"]>[0], code: string][] = [
    [
      "another version",
      { type: "join", version: 2, room: "r", token: "r/0", name: "x" },
      "unsupported-version",
    ],
    [
      "no token of ours",
      { type: "join", version: 1, room: "r", token: "nonsense", name: "x" },
      "token-invalid",
    ],
    [
      "a token for another room",
      { type: "join", version: 1, room: "r", token: "s/0", name: "x" },
      "token-foreign",
    ],
    [
      "a session nobody has",
      { type: "rejoin", version: 1, room: "r", session: "x", received: 0 },
      "session-unknown",
    ],
    [
      "a room name with a slash",
      { type: "join", version: 1, room: "a/b", token: "r/0", name: "x" },
      "bad-message",
    ],
    ["an empty name", { type: "join", version: 1, room: "r", token: "r/0", name: " " }, "bad-message"],
    [
      "a name that cannot be seen",
      { type: "join", version: 1, room: "r", token: "r/0", name: "\u200b\u2060" },
      "bad-message",
    ],
    [
      "a name of a blank letter",
      { type: "join", version: 1, room: "r", token: "r/0", name: "\u3164" },
      "bad-message",
    ],
    [
      "a name that turns text around",
      { type: "join", version: 1, room: "r", token: "r/0", name: "a\u202eb" },
      "bad-message",
    ],
    ["no JSON", "hello", "bad-message"],
    ["JSON of another kind", "[1,2]", "bad-message"],
  ]
  for (const [what, message, code] of refusals)
    test(`${what} is refused as ${code}, with a hint, and the socket closed`, () => {
      const client = raw(world(), 0)
      client.say(message)
      const error = client.last("error")!
      assert.equal(error.code, code)
      assert.ok(error.fatal && error.message.length > 10 && error.hint.length > 10)
      assert.equal(client.closed(), code)
    })

  test("a token opens one session, and only one", () => {
    const at = world()
    const [ada, eve] = [raw(at, 0), raw(at, 1)]
    const token = at.token("standup")
    assert.equal(ada.join("standup", token)?.type, "joined")
    eve.join("standup", token)
    assert.equal(eve.last("error")?.code, "token-used")
  })

  test("what is said before joining is refused, and loses nothing", () => {
    const client = raw(world(), 0)
    client.say({ type: "publish", publications: [] })
    assert.equal(client.last("error")?.code, "not-joined")
    assert.equal(client.join()?.type, "joined")
  })

  test("who was told to go while the token was verified does not come in after all", () => {
    const at = world({ messageBurst: 3, messagesPerSecond: 0.001 })
    const eve = raw(at, 0)
    const join = JSON.stringify({
      type: "join",
      version: 1,
      room: "standup",
      token: at.token("standup"),
      name: "Eve",
    })
    const flood = Array.from({ length: 5 }, () => '{"type":"ping","id":1}')
    eve.sayAtOnce(join, ...flood)
    assert.equal(eve.closed(), "too-many")
    assert.equal(eve.last("joined"), undefined)
    assert.equal(at.rooms.counters().participants, 0)
  })

  test("a server with as many rooms as it takes says so, and lets in whoever goes where somebody is", () => {
    const at = world({ rooms: 1 })
    const [ada, ben, cleo] = [raw(at, 0), raw(at, 1), raw(at, 2)]
    ada.join()
    ben.join("elsewhere")
    cleo.join()
    assert.equal(ben.closed(), "server-full")
    assert.equal(cleo.closed(), undefined)
  })

  test("who does not join in time is closed; a full room says so", () => {
    const at = world({ participants: 1, joinDeadline: 2000 })
    const [ada, ben, late] = [raw(at, 0), raw(at, 1), raw(at, 2)]
    ada.join()
    ben.join()
    assert.equal(ben.last("error")?.code, "room-full")
    at.network.schedule.run(4000)
    assert.equal(late.closed(), "not-joined")
    assert.equal(ada.closed(), undefined)
  })
})

describe("In the room", () => {
  test("a bad message is named, and what was accepted before stands", () => {
    const at = world()
    const [ada, ben] = [raw(at, 0), raw(at, 1)]
    ada.join()
    ben.join()
    ada.say({ type: "publish", publications: [{ id: "cam", kind: "video", source: "camera", muted: false }] })
    ada.say('{"type":"publish","publications":[{"id":"cam","kind":"smell"}]}')
    const error = ada.last("error")!
    assert.ok(!error.fatal)
    assert.match(error.message, /"publications\.0\.kind"/)
    const change = ben.last("participant")!
    assert.ok(change.change === "updated" && change.participant.publications[0]?.id === "cam")
    assert.equal(ada.closed(), undefined)
  })

  test("signals reach the one they are for, under the sender's id, whatever they claim", () => {
    const at = world()
    const [ada, ben, cyd] = [raw(at, 0), raw(at, 1), raw(at, 2)]
    for (const each of [ada, ben, cyd]) each.join()
    const to = ben.last("joined")!.self.id
    ada.say({
      type: "signal",
      to,
      generation: 4,
      signal: { description: { type: "offer", sdp: "v=0" }, tracks: { 0: "cam" } },
    })
    const signal = ben.last("signal")!
    assert.equal(signal.from, ada.last("joined")!.self.id)
    assert.equal(signal.generation, 4)
    assert.equal(cyd.last("signal"), undefined)
    ada.say({
      type: "signal",
      to: "nobody",
      generation: 0,
      signal: { description: { type: "answer", sdp: "" }, tracks: {} },
    })
    assert.equal(ada.last("error")?.code, "no-such-participant")
    assert.ok(at.evidence.some(each => each.kind === "relayed" && each.what === "offer"))
  })

  test("a signal goes to nobody in another room", () => {
    const at = world()
    const [ada, eve] = [raw(at, 0), raw(at, 1)]
    ada.join("standup")
    eve.join("elsewhere")
    const to = ada.last("joined")!.self.id
    eve.say({
      type: "signal",
      to,
      generation: 0,
      signal: { description: { type: "offer", sdp: "" }, tracks: {} },
    })
    assert.equal(eve.last("error")?.code, "no-such-participant")
    assert.equal(ada.last("signal"), undefined)
  })

  test("too many messages close the socket; too large ones as well", () => {
    const at = world({ messageBurst: 20, messagesPerSecond: 1, messageBytes: 2000 })
    const [ada, ben] = [raw(at, 0), raw(at, 1)]
    ada.join()
    for (let i = 0; i < 30 && ada.closed() === undefined; i++) ada.say({ type: "ping", id: i })
    assert.equal(ada.closed(), "too-many")
    ben.join()
    ben.say(`{"type":"rename","name":"${"x".repeat(3000)}"}`)
    assert.equal(ben.closed(), "too-large")
    assert.match(ben.last("error")!.message, /2000 bytes/)
  })

  test("who comes back in time is the same participant; who does not has left", () => {
    const at = world({ grace: 5000 })
    const ada = at.client(0)
    const ben = at.client(1)
    ada.join("standup")
    ben.join("standup")
    at.network.schedule.run(1000)
    const id = ben.view!.self.id
    ben.cut(0)
    at.network.schedule.run(50)
    assert.equal(ada.view!.peers.get(id)?.away, true)
    at.network.schedule.run(3000)
    assert.equal(ada.view!.peers.get(id)?.away, false)
    assert.equal(ben.view!.self.id, id)
    ben.cut(0)
    ben.leave()
    at.network.schedule.run(8000)
    assert.equal(ada.view!.peers.size, 0)
  })

  test("a second socket with the session takes over, and the first is told", () => {
    const at = world()
    const [ada, again] = [raw(at, 0), raw(at, 1)]
    ada.join()
    const { session, self } = ada.last("joined")!
    again.say({ type: "rejoin", version: 1, room: "standup", session, received: 0 })
    assert.ok(again.last("resumed"))
    again.say({ type: "rename", name: "Still me" })
    const change = again.last("participant")!
    assert.ok(change.change === "updated" && change.participant.id === self.id)
    assert.equal(ada.last("error")?.code, "replaced")
    assert.equal(at.rooms.counters().participants, 1)
  })

  test("what was missed is said again, once; what is no longer kept is told as a whole", () => {
    const at = world({ replayMessages: 5 })
    const [ada, ben, back, late] = [raw(at, 0), raw(at, 1), raw(at, 2), raw(at, 3)]
    ada.join()
    ben.join()
    const { session, self } = ada.last("joined")!
    const offer = { description: { type: "offer", sdp: "v=0" }, tracks: {} } as const
    for (let generation = 0; generation < 3; generation++)
      ben.say({ type: "signal", to: self.id, generation, signal: offer })
    // Ada's socket broke after the first of them, which she had not acknowledged.
    back.say({ type: "rejoin", version: 1, room: "standup", session, received: 2 })
    assert.deepEqual(
      back.received.map(each => (each.type === "signal" ? each.generation : each.type)),
      ["resumed", 1, 2],
    )
    for (let generation = 3; generation < 9; generation++)
      ben.say({ type: "signal", to: self.id, generation, signal: offer })
    late.say({ type: "rejoin", version: 1, room: "standup", session, received: 2 })
    assert.equal(late.received[0]?.type, "joined")
  })

  test("a numbered message that comes twice is done once, and one that skips a number ends the socket", () => {
    const at = world()
    const [ada, ben] = [raw(at, 0), raw(at, 1)]
    ada.join()
    ben.join()
    ada.say('{"type":"rename","name":"A1","n":1}')
    ada.say('{"type":"rename","name":"A2","n":1}')
    const change = ben.last("participant")!
    assert.ok(change.change === "updated" && change.participant.name === "A1")
    // A message that makes no sense still has its number.
    ada.say('{"type":"nonsense","n":2}')
    ada.say('{"type":"rename","name":"A3","n":3}')
    assert.equal(ada.closed(), undefined)
    ada.say('{"type":"rename","name":"A5","n":5}')
    assert.equal(ada.closed(), "bad-message")
    assert.match(ada.last("error")!.message, /"n": 5 does not follow 3/)
  })

  test("a silent socket is closed, a pinging one is not", () => {
    const at = world({ idle: 10_000 })
    const silent = raw(at, 0)
    silent.join()
    const pinging = at.client(1)
    pinging.join("standup")
    at.network.schedule.run(60_000)
    assert.equal(silent.closed(), "idle")
    assert.ok(pinging.stream?.isOpen)
  })
})

describe("Hosts", () => {
  /** Ada, a host, and Ben, none, where tokens say so. */
  function hosted(limits: Parameters<typeof world>[0] = {}) {
    const at = world(limits)
    const [ada, ben] = [raw(at, 0), raw(at, 1)]
    ada.join("standup", at.token("standup", true), "Ada")
    ben.join("standup", undefined, "Ben")
    const id = (who: ReturnType<typeof raw>) => who.last("joined")!.self.id
    return { at, ada, ben, id }
  }

  test("tokens make them; where none are asked for, it is the first, and then the one longest in the room", () => {
    const { ada, ben } = hosted()
    assert.equal(ada.last("joined")!.self.host, true)
    assert.deepEqual(
      [ben.last("joined")!.self.host, ben.last("joined")!.participants[0]!.host],
      [false, true],
    )
    assert.equal(ben.last("lobby"), undefined)

    const at = world({ open: true })
    const [first, second, third] = [raw(at, 2), raw(at, 3), raw(at, 4)]
    for (const each of [first, second, third]) each.join()
    assert.deepEqual(
      [first, second, third].map(each => each.last("joined")!.self.host),
      [true, false, false],
    )
    assert.deepEqual(first.last("lobby"), { type: "lobby", locked: false, waiting: [], n: 1, ack: 0 })
    first.say({ type: "leave" })
    const change = third.last("participant")!
    assert.ok(change.change === "updated" && change.participant.host)
    assert.equal(change.participant.id, second.last("joined")!.self.id)
    assert.ok(second.last("lobby"))
    assert.equal(third.last("lobby"), undefined)
  })

  test("a host whose socket breaks stays the host for as long as they are waited for", () => {
    const at = world({ open: true, grace: 5000 })
    const ada = at.client(0)
    const ben = at.client(1)
    ada.join("standup")
    at.network.schedule.run(100)
    ben.join("standup")
    at.network.schedule.run(100)
    ada.session!.send({ type: "lock", locked: true })
    ada.cut(0)
    at.network.schedule.run(4000)
    assert.ok(ada.view!.self.host && ada.session!.lobby!.locked && !ben.view!.self.host)
    ada.cut(0)
    ada.leave()
    at.network.schedule.run(8000)
    assert.ok(ben.view!.self.host && ben.session!.lobby!.locked)
  })

  test("what they alone may do is refused to others, and changes nothing", () => {
    const { ada, ben, id } = hosted()
    for (const message of [
      { type: "lock", locked: true },
      { type: "kick", participant: id(ada) },
      { type: "admit", participant: id(ada), admit: true },
    ] as const) {
      ben.say(message)
      const error = ben.last("error")!
      assert.deepEqual([error.code, error.fatal], ["not-host", false], message.type)
    }
    ada.say({ type: "kick", participant: "nobody" })
    assert.equal(ada.last("error")?.code, "no-such-participant")
    ada.say({ type: "admit", participant: id(ben), admit: true })
    assert.match(ada.last("error")!.message, /waits/)
    assert.deepEqual(ada.last("lobby"), { type: "lobby", locked: false, waiting: [], n: 1, ack: 0 })
    assert.deepEqual([ada.closed(), ben.closed()], [undefined, undefined])
  })

  test("who comes to a locked room waits, hears nothing of it, and comes in when a host says so", () => {
    const { at, ada, ben } = hosted()
    ada.say({ type: "lock", locked: true })
    const [cyd, dan] = [raw(at, 2), raw(at, 3)]
    cyd.join("standup", undefined, "Cyd")
    dan.join("standup", undefined, "Dan")
    const { waiting } = ada.last("lobby")!
    assert.deepEqual(
      waiting.map(({ name }) => name),
      ["Cyd", "Dan"],
    )
    assert.equal(ben.last("lobby"), undefined)
    ben.say({ type: "rename", name: "Benjamin" })
    ben.say({
      type: "signal",
      to: waiting[0]!.id,
      generation: 0,
      signal: { description: { type: "offer", sdp: "" }, tracks: {} },
    })
    assert.equal(ben.last("error")?.code, "no-such-participant")
    cyd.say({ type: "publish", publications: [] })
    cyd.say({ type: "ping", id: 1 })
    assert.deepEqual(
      cyd.received.map(({ type }) => type),
      ["waiting", "error", "pong"],
    )

    ada.say({ type: "admit", participant: waiting[0]!.id, admit: true })
    const joined = cyd.last("joined")!
    assert.equal(joined.self.id, waiting[0]!.id)
    assert.deepEqual(
      joined.participants.map(({ name, role }) => [name, role]),
      [
        ["Ada", "polite"],
        ["Benjamin", "polite"],
      ],
    )
    ada.say({ type: "admit", participant: waiting[1]!.id, admit: false })
    assert.equal(dan.closed(), "not-admitted")
    assert.equal(dan.last("joined"), undefined)
    assert.deepEqual(ada.last("lobby")!.waiting, [])
    cyd.say({ type: "hand", raised: true })
    const change = ben.last("participant")!
    assert.ok(
      change.change === "updated" && change.participant.name === "Cyd",
      "and is one of them from then on",
    )
  })

  test("opening the room lets all in who wait; a host needs no letting in", () => {
    const { at, ada, ben } = hosted()
    ada.say({ type: "lock", locked: true })
    const [cyd, dan, eve] = [raw(at, 2), raw(at, 3), raw(at, 4)]
    cyd.join()
    dan.join()
    assert.equal(eve.join("standup", at.token("standup", true))?.type, "lobby")
    assert.equal(eve.last("lobby")!.waiting.length, 2)
    ada.say({ type: "lock", locked: false })
    for (const each of [cyd, dan]) assert.equal(each.last("joined")!.participants.length, 4)
    assert.equal(ben.last("participant")!.seq, dan.last("joined")!.seq)
    assert.deepEqual(eve.last("lobby")!.waiting, [])
  })

  test("who waits and goes is forgotten, and comes again with the same token", () => {
    const { at, ada } = hosted()
    ada.say({ type: "lock", locked: true })
    const token = at.token("standup")
    for (let i = 2; i < 5; i++) {
      const cyd = raw(at, i)
      cyd.join("standup", token)
      assert.equal(cyd.last("waiting")?.type, "waiting")
      assert.equal(ada.last("lobby")!.waiting.length, 1)
      if (i === 2) cyd.say({ type: "leave" })
      else cyd.cut()
      at.network.schedule.run(100)
      assert.deepEqual(ada.last("lobby")!.waiting, [])
    }
    assert.equal(at.rooms.counters().participants, 2)
  })

  test("where nobody is left, and no token makes a host, those who wait come in", () => {
    const at = world({ open: true })
    const [ada, ben, cyd] = [raw(at, 0), raw(at, 1), raw(at, 2)]
    ada.join()
    ada.say({ type: "lock", locked: true })
    ben.join()
    cyd.join()
    ada.say({ type: "leave" })
    assert.deepEqual([ben.last("joined")!.self.host, cyd.last("joined")!.self.host], [true, false])
    assert.equal(ben.last("lobby")!.locked, false)
    for (const each of [ben, cyd]) each.say({ type: "leave" })
    assert.deepEqual(at.rooms.counters(), { connections: 0, participants: 0, rooms: 0 })
  })

  test("a room has so many who wait, and so many who are in, also when it is opened", () => {
    const { at, ada } = hosted({ participants: 3, waiting: 2 })
    ada.say({ type: "lock", locked: true })
    const [cyd, dan, eve] = [raw(at, 2), raw(at, 3), raw(at, 4)]
    for (const each of [cyd, dan, eve]) each.join()
    assert.equal(eve.closed(), "room-full")
    const [first, second] = ada.last("lobby")!.waiting
    ada.say({ type: "admit", participant: first!.id, admit: true })
    ada.say({ type: "admit", participant: second!.id, admit: true })
    const error = ada.last("error")!
    assert.deepEqual([error.code, error.fatal], ["room-full", false])
    assert.deepEqual([cyd.last("joined") !== undefined, dan.closed()], [true, undefined])
    ada.say({ type: "lock", locked: false })
    assert.equal(dan.closed(), "room-full")
    assert.equal(ada.closed(), undefined)
  })

  test("who is sent out is told why, is gone for all, and does not come back with that session", () => {
    const { at, ada, ben, id } = hosted()
    const cyd = raw(at, 2)
    cyd.join()
    const { session } = ben.last("joined")!
    ada.say({ type: "kick", participant: id(ben) })
    assert.equal(ben.last("error")!.code, "kicked")
    assert.equal(ben.closed(), "kicked")
    for (const each of [ada, cyd]) {
      const change = each.last("participant")!
      assert.deepEqual([change.change, change.participant.id], ["left", id(ben)])
    }
    const again = raw(at, 3)
    again.say({ type: "rejoin", version: 1, room: "standup", session, received: 0 })
    assert.equal(again.closed(), "kicked")
    assert.ok(at.evidence.some(each => each.kind === "left" && each.why === "kicked"))
    assert.equal(at.rooms.counters().participants, 2)
  })

  test("the relay is taken back from who has left; not from who goes elsewhere while the server drains", () => {
    const at = world({ grace: 2000 })
    const people = Array.from({ length: 3 }, (_, i) => raw(at, i))
    for (const each of people) each.join()
    const [ada, ben, cyd] = people.map(each => each.last("joined")!.self.id)
    people[0]!.say({ type: "leave" })
    people[1]!.cut()
    at.network.schedule.run(5000)
    assert.deepEqual([...at.revoked], [ada, ben])
    at.drain()
    people[2]!.cut()
    at.network.schedule.run(5000)
    assert.ok(at.evidence.some(each => each.kind === "left" && each.participant === cyd))
    assert.ok(!at.revoked.has(cyd!))
  })

  test("who is sent out while away learns it on coming back; so many are remembered", () => {
    const at = world({ kickedSessions: 1 })
    const [ada, ben, cyd] = [raw(at, 0), raw(at, 1), raw(at, 2)]
    ada.join("standup", at.token("standup", true))
    ben.join()
    cyd.join()
    const sessions = [ben, cyd].map(each => each.last("joined")!)
    for (const each of [ben, cyd]) each.cut()
    at.network.schedule.run(100)
    const back = (index: number, session: string) => {
      const it = raw(at, index)
      it.say({ type: "rejoin", version: 1, room: "standup", session, received: 0 })
      return it.closed()
    }
    ada.say({ type: "kick", participant: sessions[0]!.self.id })
    assert.equal(back(3, sessions[0]!.session), "kicked")
    ada.say({ type: "kick", participant: sessions[1]!.self.id })
    assert.deepEqual(
      [back(4, sessions[0]!.session), back(5, sessions[1]!.session)],
      ["session-unknown", "kicked"],
    )
  })

  test("who is sent out while away learns it however late they come back", () => {
    const at = world({ grace: 2000 })
    const [ada, ben] = [raw(at, 0), raw(at, 1)]
    ada.join("standup", at.token("standup", true))
    ben.join()
    const { self, session } = ben.last("joined")!
    ben.cut()
    at.network.schedule.run(100)
    ada.say({ type: "kick", participant: self.id })
    at.network.schedule.run(60_000)
    const again = raw(at, 2)
    again.say({ type: "rejoin", version: 1, room: "standup", session, received: 0 })
    assert.equal(again.closed(), "kicked")
  })
})

test("raised hands have the order in which they went up, the same for everybody", () => {
  const at = world()
  const [ada, ben, cyd] = [raw(at, 0), raw(at, 1), raw(at, 2)]
  for (const each of [ada, ben]) each.join()
  const hand = (who: ReturnType<typeof raw>) => {
    const change = who.last("participant")!
    return change.change === "left" ? undefined : change.participant.hand
  }
  ben.say({ type: "hand", raised: true })
  const [bens] = [hand(ada)]
  assert.deepEqual([bens, hand(ben)], [ada.last("participant")!.seq, ada.last("participant")!.seq])
  ada.say({ type: "hand", raised: true })
  assert.ok(hand(ben)! > bens!)
  ben.say({ type: "hand", raised: true })
  assert.equal(hand(ada), bens, "raising it again keeps its place")
  cyd.join()
  assert.deepEqual(
    cyd.last("joined")!.participants.map(each => each.hand !== null),
    [true, true],
  )
  ben.say({ type: "hand", raised: false })
  assert.equal(hand(ada), null)
})

describe("What one address may take", () => {
  /** Many behind one address, and somebody at another. */
  function office(limits: Parameters<typeof world>[0]) {
    const at = world(limits)
    const host = at.network.host("office", { addresses: ["198.51.100.200"] })
    return { at, behind: () => raw(at, 99, host), elsewhere: () => raw(at, 0) }
  }

  test("so many connections, whoever has them; others are not the worse for it, and room comes back", () => {
    const { behind, elsewhere, at } = office({ connectionsPerAddress: 3 })
    const three = [behind(), behind(), behind()]
    const fourth = behind()
    assert.equal(fourth.closed(), "too-many")
    assert.match(fourth.last("error")!.message, /Your network/)
    assert.equal(elsewhere().join()?.type, "joined")
    assert.deepEqual(
      three.map(each => each.closed()),
      [undefined, undefined, undefined],
    )
    three[0]!.cut()
    at.network.schedule.run(100)
    const fifth = behind()
    fifth.join("other")
    assert.ok(fifth.last("joined"))
  })

  test("so many joins, counted over all its connections, gone ones too, before anything is read", () => {
    const { at, behind, elsewhere } = office({ addressJoinBurst: 3, addressJoinsPerSecond: 0.5 })
    for (let i = 0; i < 3; i++) {
      const one = behind()
      one.say("no JSON at all")
      assert.equal(one.closed(), "bad-message")
    }
    const refused = behind()
    refused.say("no JSON at all")
    assert.equal(refused.closed(), "too-many")
    assert.match(refused.last("error")!.message, /join/)
    const other = elsewhere()
    other.join()
    assert.ok(other.last("joined"))
    at.network.schedule.run(2000)
    const later = behind()
    later.join()
    assert.ok(later.last("joined"))
  })

  test("so many messages, counted over all its connections, before anything is read", () => {
    const { behind, elsewhere } = office({ addressMessageBurst: 12, addressMessagesPerSecond: 0.01 })
    const [one, two] = [behind(), behind()]
    one.join()
    two.join()
    for (let i = 0; i < 5; i++) for (const each of [one, two]) each.say({ type: "ping", id: i })
    assert.deepEqual([one.closed(), two.closed()], [undefined, undefined])
    two.say("no JSON at all")
    assert.equal(two.closed(), "too-many")
    assert.match(two.last("error")!.message, /network/)
    const other = elsewhere()
    other.join("elsewhere")
    assert.ok(other.last("joined"))
  })
})

test("nothing that a client may send throws, or harms another", () => {
  const at = world({ messageBurst: 1e9, idle: 1e9 })
  const ada = raw(at, 0)
  ada.join()
  const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" }))
  // Some of the keys: what has others than its type wants is refused for that alone.
  const almost = fc
    .record(
      {
        type: fc.constantFrom(
          "join",
          "rejoin",
          "signal",
          "publish",
          "rename",
          "refresh",
          "ping",
          "hand",
          "lock",
          "admit",
          "kick",
        ),
        to: fc.anything(),
        generation: fc.anything(),
        signal: fc.anything(),
        publications: fc.anything(),
        name: fc.anything(),
        id: fc.anything(),
        raised: fc.boolean(),
        locked: fc.boolean(),
        participant: fc.anything(),
        admit: fc.boolean(),
      },
      { requiredKeys: ["type"] },
    )
    .map(each =>
      JSON.stringify(each, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    )
  let index = 1
  fc.assert(
    fc.property(fc.array(fc.oneof(text, almost), { minLength: 1, maxLength: 5 }), messages => {
      const eve = raw(at, index++)
      if (index % 2 === 0) eve.join()
      for (const message of messages) eve.say(message)
      eve.say({ type: "leave" })
    }),
    { numRuns: 150 },
  )
  assert.equal(ada.closed(), undefined)
})
