import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Deliveries } from "./delivery.ts"
import type { Signal } from "./messages.ts"
import { PeerLink } from "./peer-link.ts"
import type { SentTrack } from "./senders.ts"
import { fakeTrack } from "./testing/fake-media.ts"
import type { FakePeerConnection } from "./testing/fake-peer-connection.ts"
import { connectionOf, World } from "./testing/world.ts"

/** A link whose peer is the test. */
function alone(world: World, role: "polite" | "impolite") {
  const said: { signal: Signal; generation: number }[] = []
  const tracks: SentTrack[] = []
  const link = new PeerLink({
    peer: "ben",
    peerName: () => "Ben",
    role,
    clock: world.clock,
    createConnection: world.connections.create,
    notSupported: assert.ifError,
    iceServers: () => world.server.iceServers,
    iceTransportPolicy: "all",
    certificate: undefined,
    deliveries: new Deliveries(world.clock),
    tracks: () => tracks,
    signal: (signal, generation) => said.push({ signal, generation }),
    onTrack: () => {},
    onMessage: () => {},
    onReturned: () => {},
    onChange: () => {},
  })
  return { link, said, tracks, pc: () => link.connection as unknown as FakePeerConnection }
}

/** Offers and candidates of a connection that is only there to make them. */
async function offerOf(world: World): Promise<Signal & { description: unknown }> {
  const other = alone(world, "polite")
  other.link.start()
  await world.run(5)
  const offer = other.said.find(({ signal }) => "description" in signal)!.signal
  assert.ok("description" in offer)
  return offer
}

const turn = (username: string) => [{ urls: ["turn:calls.example"], username, credential: "x" }]
const usernames = (pc: FakePeerConnection) => pc.gatheredWith.map(([server]) => server?.username)

describe("PeerLink", () => {
  test("survives a connection that is given up while an offer is being applied", async () => {
    const world = new World()
    const offer = await offerOf(world)
    const { link, said, pc } = alone(world, "impolite")
    link.start()
    link.receive(offer, 0)
    await world.run(0.5)
    const interrupted = pc()
    link.resync()
    assert.notEqual(pc(), interrupted)
    await world.run(50)
    link.receive(offer, 2)
    await world.run(50)
    assert.equal(interrupted.signalingState, "closed")
    assert.equal(pc().signalingState, "stable")
    const answers = said.filter(
      ({ signal }) => "description" in signal && signal.description.type === "answer",
    )
    assert.deepEqual(
      answers.map(({ generation }) => generation),
      [2],
    )
  })

  test("candidates that overtake their offer wait for it, so many and no more", async () => {
    const world = new World()
    const offer = await offerOf(world)
    const { link, pc } = alone(world, "impolite")
    link.start()
    const usernameFragment = /ufrag:(\S+)/.exec(
      (offer as { description: { sdp: string } }).description.sdp,
    )![1]!
    for (let i = 0; i < 150; i++) {
      const candidate = `candidate:${i} 1 udp 1 192.0.2.1 ${1000 + i} typ host`
      link.receive({ candidate: { candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment } }, 0)
    }
    link.receive(offer, 0)
    await world.run(300)
    assert.equal(pc().candidates.length, 100)
    assert.match(pc().candidates[0]!.candidate!, /candidate:0 /)
  })

  test("a track that the browser does not take and statistics that fail are told, or tried again", async () => {
    const world = new World()
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on("unhandledRejection", note)
    const { link, tracks, pc } = alone(world, "polite")
    const stream = new MediaStream()
    tracks.push({ publication: "camera-1", track: fakeTrack("video"), stream })
    link.start()
    pc().refusesStats = true
    await world.run(1000)
    pc().getTransceivers()[0]!.sender.refuses = true
    tracks[0] = { publication: "camera-1", track: fakeTrack("video", "another"), stream }
    link.syncTracks()
    await world.run(10)
    process.off("unhandledRejection", note)
    assert.deepEqual(unhandled, [])
    const events = link.recorder.timeline().phases.flatMap(each => each.events)
    assert.ok(events.some(({ text }) => text.includes("The track does not fit")))
  })
})

describe("Recovery", () => {
  test("both ends restart ICE with the credentials of now", async () => {
    const world = new World()
    world.server.iceServers = turn("old")
    const { adas, bens } = await world.call()
    world.server.iceServers = turn("new")
    // Three quarters of the hour that they are good for.
    await world.run(46 * 60_000)
    bens.become("disconnected")
    adas.become("disconnected")
    await world.run(3100)
    for (const pc of [adas, bens]) assert.deepEqual(usernames(pc), ["old", "new"])
  })

  test("the impolite side restarts too, should the polite one not notice", async () => {
    const world = new World()
    world.server.iceServers = turn("old")
    const { adas, bens } = await world.call()
    world.server.iceServers = turn("new")
    await world.run(46 * 60_000)
    adas.become("disconnected")
    await world.run(6100)
    for (const pc of [adas, bens]) assert.deepEqual(usernames(pc), ["old", "new"])
  })

  test("what does not come back is tried with growing patience, and says what is wrong meanwhile", async () => {
    const world = new World()
    const { ben } = await world.call()
    const timeline = () => ben.snapshot().participants[0]!.timeline
    const made = () => world.connections.all.length
    const failAll = () => {
      for (const pc of world.connections.open) pc.become("failed")
    }
    failAll()
    for (const patience of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      const before = made()
      await world.run(patience - 200)
      assert.equal(made(), before, `nothing new before ${patience} ms`)
      await world.run(300)
      assert.equal(made(), before + 2, `both ends have a new connection after ${patience} ms`)
      failAll()
      await world.run(100)
      assert.equal(timeline().status, "failed")
      const { note } = timeline().phases.find(({ name }) => name === "checks")!
      assert.match(note, /None of the addresses/)
    }
    await world.run(60_000)
    world.connections.establish()
    assert.equal(timeline().status, "connected")
    failAll()
    const before = made()
    await world.run(10_200)
    assert.equal(made(), before + 2, "after a success patience is short again")
  })

  test("what the other end closed without leaving is made anew by who is polite, after a second", async () => {
    const world = new World()
    const { ben, adas, bens } = await world.call()
    adas.close()
    bens.channels.get(0)!.onclose!()
    await world.run(900)
    assert.equal(connectionOf(ben), bens)
    await world.run(200)
    assert.notEqual(connectionOf(ben), bens)
    world.connections.establish()
    assert.equal(ben.snapshot().participants[0]!.timeline.status, "connected")
  })

  test("somebody who asks for it gets a new connection at once", async () => {
    const world = new World()
    const { ada, ben, adas } = await world.call()
    for (const pc of world.connections.open) pc.become("failed")
    ada.reconnect(ben.snapshot().self!.id)
    await world.run(20)
    assert.notEqual(connectionOf(ada), adas)
    world.connections.establish()
    for (const room of [ada, ben]) assert.equal(room.snapshot().participants[0]!.timeline.status, "connected")
    assert.throws(() => ada.reconnect("nobody"), { code: "no-such-participant" })
  })
})
