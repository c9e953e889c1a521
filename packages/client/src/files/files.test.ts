import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { Random } from "@tightbeam/sim"
import fc from "fast-check"
import { TightbeamError } from "../errors.ts"
import type { Room } from "../room.ts"
import { connectionOf, World } from "../testing/world.ts"
import { Files, type FilesRoom, type Transfer } from "./files.ts"
import { distinct, safePath } from "./names.ts"
import { MemorySink } from "./sinks.ts"
import { CHUNK, MANIFEST_PART, MAX_OFFERS, readControl, readMessage, TOPIC } from "./wire.ts"

/** Bytes that differ everywhere. */
function content(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = new Random(seed)
  return Uint8Array.from({ length: size }, () => random.uint32())
}

const file = (name: string, bytes: Uint8Array<ArrayBuffer>) => new File([bytes], name, { lastModified: 1e12 })

async function pair() {
  const world = new World()
  world.connections.latency = 20
  const { ada, ben } = await world.call()
  const [adas, bens] = [new Files(ada, world.clock), new Files(ben, world.clock)]
  /** Lets the world go on until something holds. */
  const until = async (holds: () => boolean) => {
    while (!holds()) await world.run(1)
  }
  const offered = async (files: readonly File[]) => {
    const arrived = Promise.withResolvers<Awaited<ReturnType<typeof receiving>>>()
    const stop = bens.on("offer", transfer => arrived.resolve(receiving(transfer)))
    const [sending] = adas.offer(files)
    await world.run(200)
    stop()
    return { sending: sending!, ...(await arrived.promise) }
  }
  const receiving = (transfer: Parameters<Parameters<typeof bens.on<"offer">>[1]>[0]) => ({
    transfer,
    sink: new MemorySink(transfer.size),
  })
  return { world, ada, ben, adas, bens, until, offered }
}

const bytesOf = async (each: File) => new Uint8Array(await each.arrayBuffer())
const statuses = (...transfers: Transfer[]) => transfers.map(({ status }) => status)

describe("Files", () => {
  test("arrive as they were, empty ones and large ones, in their order", async () => {
    const { until, offered } = await pair()
    const files = [
      file("a.bin", content(2.5 * CHUNK)),
      file("empty", content(0)),
      file("b.bin", content(CHUNK, 2)),
      file("c.txt", content(10, 3)),
    ]
    const { sending, transfer, sink } = await offered(files)
    assert.deepEqual(
      transfer.files.map(({ path, size, modified }) => [path, size, modified]),
      files.map(({ name, size }) => [name, size, 1e12]),
    )
    transfer.accept(sink)
    await until(() => sending.over && transfer.over)
    assert.deepEqual(statuses(sending, transfer), ["done", "done"])
    for (const [i, each] of sink.files.entries()) {
      assert.equal(each.name, files[i]!.name)
      assert.deepEqual(await bytesOf(each), await bytesOf(files[i]!))
    }
    for (const each of [sending, transfer]) {
      const { arrived, filesArrived, size } = each.view()
      assert.deepEqual([arrived, filesArrived], [size, 4])
    }
  })

  test("ten thousand small ones go in one offer, many to a message", async () => {
    const { ada, until, offered } = await pair()
    const files = Array.from({ length: 10_000 }, (_, i) => file(`${i}.txt`, content(i % 100, i)))
    const { sending, transfer, sink } = await offered(files)
    assert.equal(transfer.files.length, 10_000)
    transfer.accept(sink)
    await until(() => sending.over && transfer.over)
    assert.deepEqual(statuses(sending, transfer), ["done", "done"])
    assert.deepEqual(await bytesOf(sink.files[9_999]!), await bytesOf(files[9_999]!))
    const messages = connectionOf(ada).channels.get(2)!.sent.length
    assert.ok(messages < 30, `${messages} messages`)
  })

  test("may have names as long as they like, in any script", async () => {
    const { offered } = await pair()
    const names = Array.from({ length: 600 }, (_, i) => `${"語".repeat(75)}${i}`)
    const { transfer } = await offered(names.map(name => file(name, content(0))))
    assert.deepEqual(
      transfer.files.map(({ path }) => path),
      names,
    )
  })

  test("go on where they were after broken connections, a restarted server and new participant ids", async () => {
    for (let seed = 0; seed < 5; seed++) {
      const random = new Random(seed)
      const { world, ada, ben, until, offered } = await pair()
      const files = [file("a", content(3.3 * CHUNK, seed)), file("b", content(2.2 * CHUNK, seed + 100))]
      const { sending, transfer, sink } = await offered(files)
      transfer.accept(sink)
      const asked: number[] = []
      ada.on("message", ({ topic, data }) => {
        const control = topic === TOPIC ? readControl(data) : undefined
        if (control?.type === "go") asked.push(control.file * 10 * CHUNK + control.offset)
      })
      const breaks: (() => void)[] = [
        () => {},
        () => world.server.restart(),
        () => {
          if (world.server.has("Ben")) world.server.forget("Ben")
        },
      ]
      for (let i = 0; i < 4; i++) {
        const goal = transfer.view().arrived + random.below(CHUNK / 2)
        await until(() => transfer.over || transfer.view().arrived >= goal)
        reconnect(random.pick([ada, ben]))
        random.pick(breaks)()
        await world.run(3000)
        world.connections.establish()
      }
      await until(() => {
        world.connections.establish()
        return sending.over && transfer.over
      })
      assert.deepEqual(statuses(sending, transfer), ["done", "done"], `seed ${seed}`)
      for (const [i, each] of sink.files.entries())
        assert.deepEqual(await bytesOf(each), await bytesOf(files[i]!), `seed ${seed}`)
      assert.ok(asked.length > 2 && asked.at(-1)! > 0, `seed ${seed}: asked from ${asked.join(", ")}`)
      assert.deepEqual(
        asked,
        [...asked].sort((a, b) => a - b),
        `seed ${seed}: never back`,
      )
    }
  })

  test("can be declined, and cancelled from either end at any time", async () => {
    const { world, offered, until } = await pair()
    const declined = await offered([file("a", content(10))])
    declined.transfer.decline()
    await world.run(200)
    assert.deepEqual(statuses(declined.sending, declined.transfer), ["declined", "declined"])
    for (const who of ["sending", "transfer"] as const) {
      const both = await offered([file("a", content(8 * CHUNK))])
      both.transfer.accept(both.sink)
      await until(() => both.transfer.view().arrived > CHUNK)
      both[who].cancel()
      await world.run(200)
      assert.deepEqual(statuses(both.sending, both.transfer), ["cancelled", "cancelled"])
      assert.equal(both.sending.view().error?.code, "file-cancelled")
      assert.deepEqual(both.sink.files, [])
    }
  })

  test("several go at once, each way", async () => {
    const { world, adas, bens, until } = await pair()
    const sinks = new Map<string, MemorySink>()
    for (const files of [adas, bens])
      files.on("offer", transfer => {
        const sink = new MemorySink(transfer.size)
        sinks.set(transfer.files[0]!.path, sink)
        transfer.accept(sink)
      })
    for (let i = 0; i < 3; i++) {
      adas.offer([file(`to ben ${i}`, content(CHUNK * 1.5, i))])
      bens.offer([file(`to ada ${i}`, content(CHUNK * 1.5, i + 10))])
    }
    await world.run(200)
    await until(() => [...adas.transfers, ...bens.transfers].every(each => each.status === "done"))
    assert.equal(sinks.size, 6)
    assert.deepEqual(await bytesOf(sinks.get("to ada 2")!.files[0]!), content(CHUNK * 1.5, 12))
  })

  test("that cannot be read any more, or saved, fail at both ends and say why", async () => {
    const { offered, until } = await pair()
    const gone = file("gone", content(10))
    gone.slice = () => {
      throw new DOMException("It was changed.", "NotReadableError")
    }
    const unreadable = await offered([gone])
    unreadable.transfer.accept(unreadable.sink)
    await until(() => unreadable.transfer.over && unreadable.sending.over)
    for (const each of [unreadable.transfer, unreadable.sending])
      assert.deepEqual([each.status, each.view().error?.code], ["failed", "file-unreadable"])

    const full = await offered([file("a", content(3 * CHUNK))])
    full.sink.write = async () => {
      throw new DOMException("The disk is full.", "QuotaExceededError")
    }
    full.transfer.accept(full.sink)
    await until(() => full.transfer.over && full.sending.over)
    for (const each of [full.transfer, full.sending])
      assert.deepEqual([each.status, each.view().error?.code], ["failed", "file-not-saved"])
  })

  test("that were changed between two halves are noticed", async () => {
    const { ada, world, offered, until } = await pair()
    const bytes = content(4 * CHUNK)
    const changing = file("a", bytes)
    const slice = changing.slice.bind(changing)
    let changed = false
    changing.slice = (start, end) => (changed ? new Blob([content(end! - start!, 9)]) : slice(start, end))
    const { sending, transfer, sink } = await offered([changing])
    transfer.accept(sink)
    await until(() => transfer.view().arrived > 1.5 * CHUNK)
    changed = true
    reconnect(ada)
    await world.run(200)
    world.connections.establish()
    await until(() => transfer.over && sending.over)
    assert.deepEqual([transfer.status, transfer.view().error?.code], ["failed", "file-unreadable"])
  })

  test("are not given up when the connection dies while the disk is behind", async () => {
    const { world, ben, offered, until } = await pair()
    const bytes = content(12 * CHUNK)
    const { sending, transfer, sink } = await offered([file("a", bytes)])
    const gate = Promise.withResolvers<void>()
    const write = sink.write.bind(sink)
    let written = 0
    sink.write = async part => {
      await gate.promise
      await write(part)
      written++
    }
    transfer.accept(sink)
    await until(() => transfer.view().arrived > 5 * CHUNK)
    // Closed, and nobody has been told yet.
    connectionOf(ben).close()
    gate.resolve()
    await until(() => transfer.over || written >= 5)
    await world.run(50)
    reconnect(ben)
    await world.run(200)
    world.connections.establish()
    await until(() => transfer.over && sending.over)
    assert.deepEqual(statuses(sending, transfer), ["done", "done"])
    assert.deepEqual(await bytesOf(sink.files[0]!), bytes)
  })

  test("of which a bit changes on the way are noticed, at the chunk or at the end", async () => {
    for (const at of [10, 1.5 * CHUNK]) {
      const { ben, offered, until } = await pair()
      const { sending, transfer, sink } = await offered([file("a", content(1.7 * CHUNK))])
      transfer.accept(sink)
      const channel = connectionOf(ben).channels.get(2)!
      const { onmessage } = channel
      let seen = 0
      channel.onmessage = ({ data }) => {
        const bytes = new Uint8Array(data as ArrayBuffer)
        if (seen <= at && at < seen + bytes.length - 50) bytes[40]! ^= 1
        seen += bytes.length
        onmessage!({ data })
      }
      await until(() => transfer.over && sending.over)
      for (const each of [transfer, sending])
        assert.deepEqual([each.status, each.view().error?.code], ["failed", "file-corrupt"])
      assert.deepEqual(sink.files, [])
    }
  })

  test("are waited for while who sends them is gone, but not for ever", async () => {
    const { ada, world, offered, until } = await pair()
    const { transfer, sink } = await offered([file("a", content(8 * CHUNK))])
    transfer.accept(sink)
    await until(() => transfer.view().arrived > 0)
    await ada.leave()
    await world.run(200)
    assert.equal(transfer.status, "waiting")
    await world.run(119_000)
    assert.equal(transfer.status, "waiting")
    await world.run(1100)
    assert.deepEqual([transfer.status, transfer.view().error?.code], ["failed", "file-peer-left"])
  })

  test("are not taken in without end: so many offers, so many files", async () => {
    const { ada, bens, adas, world } = await pair()
    for (let i = 0; i < MAX_OFFERS + 10; i++) adas.offer([file("a", content(1))])
    await world.run(200)
    assert.equal(bens.transfers.length, MAX_OFFERS)
    assert.throws(() => adas.offer(Array.from({ length: 20_001 }, () => file("a", content(0)))), {
      code: "file-too-many",
    })
    assert.throws(() => adas.offer([]), { code: "file-too-many" })
    assert.throws(() => adas.offer([file("a", content(1))], { to: "nobody" }), {
      code: "no-such-participant",
    })
    assert.throws(() => new MemorySink(1001, 1000), { code: "file-too-large" })
    assert.ok(ada.snapshot().state.status === "connected")
  })

  test("that somebody began to offer are forgotten after they left", async () => {
    const { schedule, clock } = new World()
    let participants = [{ id: "eve" }]
    const changed: (() => void)[] = []
    const files = new Files(
      {
        snapshot: () => ({ participants }),
        subscribe: (callback: () => void) => changed.push(callback),
        on: () => () => {},
        connection: () => undefined,
      } as unknown as FilesRoom,
      clock,
    )
    const offers: Transfer[] = []
    files.on("offer", transfer => offers.push(transfer))
    const away = (ms: number) => {
      for (const here of [[], [{ id: "eve" }]]) {
        participants = here
        for (const callback of changed) callback()
        schedule.run(ms)
      }
    }
    for (const [offer, ms] of [
      ["forgotten", 121_000],
      ["kept", 119_000],
    ] as const) {
      files.hear({ type: "offer", offer, count: 1 }, "eve")
      away(ms)
      files.hear({ type: "manifest", offer, at: 0, files: [["a", 1, 0]] }, "eve")
    }
    assert.deepEqual(
      offers.map(({ id }) => id),
      ["kept"],
    )
  })

  test("that are offered while the queue is full are offered once it has room, in order", async () => {
    const { schedule, clock } = new World()
    let room = 0
    const said: unknown[] = []
    const files = new Files(
      {
        snapshot: () => ({ participants: [{ id: "ben" }] }),
        subscribe: () => () => {},
        on: () => () => {},
        connection: () => undefined,
        send: async (_topic: string, data: { type: string }) => {
          if (room === 0) throw new TightbeamError("send-queue-full", "", "")
          room--
          said.push(data.type)
        },
      } as unknown as FilesRoom,
      clock,
    )
    const settled = () => new Promise(resolve => setImmediate(resolve))
    files.offer([new File(["a"], "a")])
    await settled()
    room = 1
    for (let i = 0; i < 3; i++, room = 9) {
      schedule.run(1000)
      await settled()
    }
    assert.deepEqual(said, ["offer", "manifest"])
  })

  test("of a stranger who says nonsense change nothing", async () => {
    const { ada, bens, world } = await pair()
    const good = { type: "offer", offer: "o", count: 1 }
    const listed = { type: "manifest", offer: "o", at: 0, files: [["a", 1, 0]] }
    const nonsense: unknown[] = [
      { ...good, count: 0 },
      { ...good, count: 1e9 },
      { ...good, offer: "x".repeat(100) },
      { ...listed, files: [["a", -1, 0]] },
      { ...listed, files: [["a", 2 ** 60, 0]] },
      { ...listed, files: [["x".repeat(600), 1, 0]] },
      { ...listed, files: Array.from({ length: MANIFEST_PART + 1 }, () => ["a", 1, 0]) },
      { type: "go", offer: "o", tag: 0, file: 0, offset: 0 },
      { type: "done", offer: "o" },
      { type: "cancel", offer: "o", why: "because" },
      null,
      7,
    ]
    for (const each of nonsense) await ada.send(TOPIC, each)
    await world.run(200)
    assert.deepEqual(bens.transfers, [])
  })
})

function reconnect(room: Room): void {
  const [other] = room.snapshot().participants
  if (other !== undefined) room.reconnect(other.id)
}

describe("Bytes of strangers", () => {
  test("never throw", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void readMessage(bytes.slice().buffer)))
    fc.assert(fc.property(fc.jsonValue(), value => void readControl(value)))
  })

  test("are no more than came, whatever length they declare", () => {
    assert.equal(readMessage(Uint8Array.of(0, 0, 0, 1, 1, 255, 255, 255, 255, 7).buffer), undefined)
  })
})

describe("Names of strangers", () => {
  test("never lead out of the folder, hide, or mislead", () => {
    for (const [given, safe] of [
      ["../../etc/passwd", "etc/passwd"],
      ["/etc/passwd", "etc/passwd"],
      ["C:\\Windows\\system32\\evil.dll", "C_/Windows/system32/evil.dll"],
      ["..", "file"],
      ["", "file"],
      ["a/./b//c", "a/b/c"],
      [".bashrc", "bashrc"],
      ["con.txt", "_con.txt"],
      ["photo\u202Egpj.exe", "photogpj.exe"],
      ["a\u0000b\nc", "abc"],
      ["trailing. . ", "trailing"],
      [`${"x".repeat(300)}.pdf`, `${"x".repeat(236)}.pdf`],
      [`${"語".repeat(120)}.txt`, `${"語".repeat(78)}.txt`],
      [`${"x".repeat(239)}.${"y".repeat(60)}`, "x".repeat(239)],
      ["aux .txt", "_aux .txt"],
      ["COM¹.txt", "_COM¹.txt"],
    ] as const)
      assert.equal(safePath(given), safe)
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("..", ".", "/", "\\", " ", "\0", "\u202e", "con", "a", "?")),
        name => {
          const parts = safePath(name.join("")).split("/")
          assert.ok(parts.every(part => part !== "" && part !== "." && part !== ".." && !part.includes("\\")))
        },
      ),
    )
  })

  test("that are the same but for their case get numbers", () => {
    assert.deepEqual(distinct(["a.txt", "A.txt", "a.txt", "b/a.txt", "noext", "noext"]), [
      "a.txt",
      "A (2).txt",
      "a (3).txt",
      "b/a.txt",
      "noext",
      "noext (2)",
    ])
  })
})
