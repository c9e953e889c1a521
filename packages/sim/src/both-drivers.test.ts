import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { type Address, parseIp } from "@tightbeam/webrtc/bytes"
import type { Datagram, Framing, Machine, Out, Path, Reply, Request } from "@tightbeam/webrtc/contract"
import { Driver as RealDriver } from "@tightbeam/webrtc/net"
import { Internet } from "./internet.ts"

/** A byte of length, then as many bytes. */
const framing: Framing = {
  longest: 256,
  frameLength: (bytes, at) => bytes[at]! + 1,
  lengthOnStream: length => length,
}
const FOREIGN = parseIp("192.0.2.1")!
const family = 4

/** Says what it is told to, and writes down all that it hears, without numbers that differ from run to run. */
class Actor implements Machine<never> {
  readonly nextTick = Infinity
  readonly heard: string[] = []
  readonly replies: Reply[] = []
  /** Of its streams, in the order that they came. */
  readonly paths: Path[] = []
  /** Asked for when a frame says "join". */
  joins: readonly [Path, Path] | undefined

  receive(d: Datagram, _now: number, out: Out<never>): void {
    const text = String.fromCharCode(...d.bytes.subarray(d.offset + 1, d.offset + d.length))
    this.heard.push(`${out.paths.transport(d.path)} ${text}`)
    if (text === "join") out.ask({ type: "join", paths: this.joins! })
  }
  reply(answer: Reply, _now: number, out: Out<never>): void {
    this.replies.push(answer)
    this.heard.push(`${answer.type} ${answer.id}${answer.type === "failed" ? ` ${answer.reason}` : ""}`)
    if (!("path" in answer)) return
    out.paths.hold(answer.path)
    this.paths.push(answer.path)
  }
  tick(): void {}
  closed(path: Path, _now: number, out: Out<never>): void {
    out.paths.release(path)
    this.heard.push(`closed ${this.paths.indexOf(path)}`)
  }

  /** Where a socket of its is, by the id that it was asked for with. */
  local(id: number): Address {
    const reply = this.replies.find(each => each.id === id)
    assert.ok(reply !== undefined && "local" in reply)
    return reply.local
  }
}

function say(texts: readonly string[], path: Path, out: Out<never>): void {
  const bytes = texts.flatMap(text => [text.length, ...new TextEncoder().encode(text)])
  out.bytes.set(bytes, out.reserve(path, bytes.length))
  out.commit(bytes.length)
}

type Command = (out: Out<never>) => void

/** Three machines, and something to run them. */
interface Stage {
  readonly actors: readonly [Actor, Actor, Actor]
  command(actor: Actor, give: Command): void
  until(holds: () => boolean): Promise<void>
  close(): Promise<void>
}

function simulated(): Stage {
  const net = new Internet(1)
  const actors = [new Actor(), new Actor(), new Actor()] as const
  const drivers = actors.map((actor, i) => net.host(`host ${i}`).run(actor))
  return {
    actors,
    command: (actor, give) => drivers[actors.indexOf(actor)]!.command((_now, out) => give(out)),
    until: async holds => {
      for (let i = 0; i < 1000 && !holds(); i++) net.run(10)
      assert.ok(holds())
    },
    close: async () => {},
  }
}

function real(): Stage {
  const actors = [new Actor(), new Actor(), new Actor()] as const
  const drivers = actors.map(actor => new RealDriver<never>(actor, { bindAddresses: { 4: "127.0.0.1" } }))
  const until: Stage["until"] = async holds => {
    while (!holds()) await new Promise(setImmediate)
  }
  return {
    actors,
    command: (actor, give) => drivers[actors.indexOf(actor)]!.command((_now, out) => give(out)),
    until,
    close: async () => void (await Promise.all(drivers.map(driver => driver.close()))),
  }
}

for (const [name, make] of [
  ["the simulator", simulated],
  ["the system", real],
] as const)
  describe(`To a machine that asks for TCP, ${name}`, () => {
    const scene = (what: string, play: (stage: Stage) => Promise<void>): void => {
      test(what, async t => {
        const stage = make()
        t.after(() => stage.close())
        await play(stage)
      })
    }
    const ask = (stage: Stage, actor: Actor, request: Request): void =>
      stage.command(actor, out => out.ask(request))

    /** The second listens, the first has connected to it. */
    async function connected(stage: Stage): Promise<void> {
      const [ada, ben] = stage.actors
      ask(stage, ben, { type: "listen", id: 1, family, port: 0, framing })
      await stage.until(() => ben.replies.length === 1)
      const remote = ben.local(1)
      ask(stage, ada, { type: "connect", id: 2, family, remote, transport: "tcp", framing })
      await stage.until(() => ada.paths.length === 1 && ben.paths.length === 1)
    }

    scene("gives streams of frames, to who listens and to who connects", async stage => {
      const [ada, ben] = stage.actors
      await connected(stage)
      stage.command(ada, out => say(["one", "two"], ada.paths[0]!, out))
      await stage.until(() => ben.heard.length === 4)
      stage.command(ben, out => say(["three"], ben.paths[0]!, out))
      await stage.until(() => ada.heard.length === 2)
      stage.command(ada, out => {
        out.ask({ type: "close", socket: out.paths.socket(ada.paths[0]!) })
        out.paths.release(ada.paths[0]!)
      })
      await stage.until(() => ben.heard.length === 5)
      assert.deepEqual(ada.heard, ["connected 2", "tcp three"])
      assert.deepEqual(ben.heard, ["listening 1", "accepted 1", "tcp one", "tcp two", "closed 0"])
    })

    scene("says by the same words what cannot be had", async stage => {
      const [ada, ben] = stage.actors
      await connected(stage)
      const { port } = ben.local(1)
      const remote = ben.local(1)
      ask(stage, ben, { type: "listen", id: 3, family, port })
      ask(stage, ben, { type: "listen", id: 4, family, ip: FOREIGN, port: 0 })
      ask(stage, ben, { type: "bind", id: 5, family, ip: FOREIGN, port: 0 })
      ask(stage, ben, { type: "bind", id: 6, family, ip: remote.ip, port: 0 })
      await stage.until(() => ben.replies.length === 6)
      ask(stage, ada, { type: "connect", id: 7, family, ip: FOREIGN, remote, transport: "tcp" })
      await stage.until(() => ada.replies.length === 2)
      const nobody = { ip: remote.ip, port: 1 }
      ask(stage, ada, { type: "connect", id: 8, family, remote: nobody, transport: "tcp" })
      await stage.until(() => ada.replies.length === 3)
      assert.deepEqual(ben.heard.slice(2).toSorted(), [
        "bound 6",
        "failed 3 in-use",
        "failed 4 refused",
        "failed 5 refused",
      ])
      assert.deepEqual(ada.heard.slice(1), ["failed 7 unreachable", "failed 8 refused"])
    })

    scene("lets no more in once it does not listen, and keeps who is there", async stage => {
      const [ada, ben] = stage.actors
      await connected(stage)
      const listening = ben.replies[0]!
      assert.ok(listening.type === "listening")
      ask(stage, ben, { type: "close", socket: listening.socket })
      const remote = listening.local
      ask(stage, ada, { type: "connect", id: 3, family, remote, transport: "tcp", framing })
      await stage.until(() => ada.replies.length === 2)
      stage.command(ada, out => say(["still"], ada.paths[0]!, out))
      await stage.until(() => ben.heard.at(-1) === "tcp still")
      assert.equal(ada.heard.at(-1), "failed 3 refused")
    })

    scene("answers nothing for what was abandoned", async stage => {
      const [ada, ben] = stage.actors
      ask(stage, ben, { type: "listen", id: 1, family, port: 0, framing })
      await stage.until(() => ben.replies.length === 1)
      stage.command(ada, out => {
        out.ask({ type: "connect", id: 2, family, remote: ben.local(1), transport: "tcp" })
        out.ask({ type: "abandon", id: 2 })
      })
      const remote = ben.local(1)
      ask(stage, ada, { type: "connect", id: 3, family, remote, transport: "tcp", framing })
      await stage.until(() => ada.replies.length > 0)
      assert.deepEqual(ada.heard, ["connected 3"])
    })

    /** The first is connected to the second, and that to the third: the second joins them when it hears "join". */
    async function twice(stage: Stage): Promise<void> {
      const [, ben, eve] = stage.actors
      await connected(stage)
      ask(stage, eve, { type: "listen", id: 1, family, port: 0, framing })
      await stage.until(() => eve.replies.length === 1)
      const remote = eve.local(1)
      ask(stage, ben, { type: "connect", id: 2, family, remote, transport: "tcp" })
      await stage.until(() => ben.paths.length === 2 && eve.paths.length === 1)
      ben.joins = [ben.paths[0]!, ben.paths[1]!]
    }

    scene("joins two streams, from the byte on behind the frame that it was asked at", async stage => {
      const [ada, ben, eve] = stage.actors
      await twice(stage)
      stage.command(eve, out => say(["early"], eve.paths[0]!, out))
      stage.command(ada, out => say(["join", "first", "second"], ada.paths[0]!, out))
      await stage.until(() => eve.heard.length === 4 && ada.heard.length === 2)
      stage.command(eve, out => say(["answer"], eve.paths[0]!, out))
      await stage.until(() => ada.heard.length === 3)
      assert.deepEqual(eve.heard, ["listening 1", "accepted 1", "tcp first", "tcp second"])
      assert.deepEqual(ada.heard, ["connected 2", "tcp early", "tcp answer"])
      stage.command(ada, out => {
        say(["last words"], ada.paths[0]!, out)
        out.ask({ type: "close", socket: out.paths.socket(ada.paths[0]!) })
        out.paths.release(ada.paths[0]!)
      })
      await stage.until(() => eve.heard.at(-1) === "closed 0")
      assert.equal(eve.heard.at(-2), "tcp last words")
      const ended = ["closed 0", "closed 1"]
      assert.deepEqual(ben.heard, ["listening 1", "accepted 1", "connected 2", "tcp join", ...ended])
    })

    scene("closes both where one of two is closed, and says nothing of it", async stage => {
      const [ada, ben, eve] = stage.actors
      await twice(stage)
      stage.command(ada, out => say(["join", "through"], ada.paths[0]!, out))
      await stage.until(() => eve.heard.length === 3)
      stage.command(ben, out => {
        out.ask({ type: "close", socket: out.paths.socket(ben.paths[1]!) })
        for (const path of ben.paths) out.paths.release(path)
      })
      await stage.until(() => eve.heard.at(-1) === "closed 0" && ada.heard.at(-1) === "closed 0")
      assert.deepEqual(ben.heard, ["listening 1", "accepted 1", "connected 2", "tcp join"])
    })
  })
