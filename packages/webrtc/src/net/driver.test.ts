import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { createSocket, type Socket as DgramSocket, type RemoteInfo } from "node:dgram"
import { once } from "node:events"
import { after, describe, test } from "node:test"
import type { Datagram, Evidence, Machine, Out, Reply } from "../contract/index.ts"
import { chooseIo } from "./choose-io.ts"
import { monotonicNow } from "./clock.ts"
import { Driver, type DriverOptions, ListenError } from "./driver.ts"

/** A machine made of functions. */
function machine<Event>(parts: Partial<Machine<Event>>): Machine<Event> & { nextTick: number } {
  return { nextTick: Infinity, receive() {}, reply() {}, tick() {}, ...parts }
}

async function client(): Promise<DgramSocket> {
  const socket = createSocket("udp4")
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  return socket
}

const loopback = { 4: "127.0.0.1", 6: "::1" }

function echoCopied(d: Datagram, _now: number, out: Out<never>): void {
  const at = out.reserve(d.path, d.length)
  out.bytes.set(d.bytes.subarray(d.offset, d.offset + d.length), at)
  out.commit(d.length)
}

const plain = chooseIo("off")
const fast = chooseIo("auto")
/** Of this thread, where Node's own loop has its turn every millisecond: the tests run on that. */
const loop = fast.createLoop?.({ patience: 1, turn: 0 })
loop?.start()
after(() => loop?.stop())

interface Form {
  readonly name: string
  readonly options: Pick<DriverOptions<never>, "createIo" | "clock">
  /** What a script makes them by, and what it ends with. */
  readonly script: readonly [make: string, end: string]
}

const forms: Form[] = [
  {
    name: plain.form,
    options: { createIo: plain.create },
    script: [`const options = { createIo: chooseIo("off").create }`, ""],
  },
  {
    name: fast.form,
    options: { createIo: fast.create },
    script: [`const options = { createIo: chooseIo("auto").create }`, ""],
  },
]
if (loop !== undefined)
  forms.push({
    name: "batched, on a loop of its own",
    options: { createIo: loop.createIo, clock: loop },
    script: [
      `const loop = chooseIo("auto").createLoop()
       loop.start()
       const options = { createIo: loop.createIo, clock: loop }`,
      "loop.stop()",
    ],
  })

test("the fast form of UDP can be had, or says why not", t => {
  const { form, why } = fast
  if (form === "batched") return
  assert.ok(why)
  t.skip(why)
})

test("when every slab is in flight, further sends are dropped and counted", async () => {
  const driver = new Driver(
    machine<never>({
      receive(d, _now, out) {
        for (let i = 0; i < 10; i++) {
          out.reserve(d.path, 60_000)
          out.commit(60_000)
        }
      },
    }),
    { udp: { slabs: 2 }, createIo: plain.create },
  )
  const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
  const socket = await client()
  socket.send("go", local.port, "127.0.0.1")
  await once(socket, "message")
  assert.equal(driver.counters().sendDropped, 2)
  assert.equal(driver.counters().sent, 8)
  socket.close()
  await driver.close()
})

for (const { name, options: chosen, script } of forms) {
  const driverOf = <Event>(parts: Machine<Event>, options: DriverOptions<Event> = {}): Driver<Event> =>
    new Driver(parts, { ...options, ...chosen })

  describe(`On ${name}`, () => {
    test("what a machine reserves and commits is sent back to the path it came from", async () => {
      const driver = driverOf(machine<never>({ receive: echoCopied }))
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const socket = await client()
      socket.send("ping", local.port, "127.0.0.1")
      const [message, from] = (await once(socket, "message")) as [Buffer, RemoteInfo]
      assert.equal(message.toString(), "ping")
      assert.equal(from.port, local.port)
      assert.deepEqual([driver.counters().received, driver.counters().sent], [1, 1])
      socket.close()
      await driver.close()
    })

    test("a forwarded datagram may carry a header in its headroom", async () => {
      const driver = driverOf(
        machine<never>({
          receive(d, _now, out) {
            d.bytes.set([1, 2, 3, 4], d.offset - 4)
            out.forward(d, -4, d.length + 4, d.path)
          },
        }),
      )
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const socket = await client()
      socket.send(Buffer.from([5, 6]), local.port, "127.0.0.1")
      const [message] = (await once(socket, "message")) as [Buffer]
      assert.deepEqual([...message], [1, 2, 3, 4, 5, 6])
      socket.close()
      await driver.close()
    })

    test("forwarded unfragmented, a datagram leaves in its turn; who cannot promise it does not offer it", async () => {
      let isOffered = false
      const driver = driverOf(
        machine<never>({
          receive(d, _now, out) {
            const whole = out.forwardUnfragmented
            isOffered = whole !== undefined
            out.forward(d, 0, 1, d.path)
            whole?.(d, 1, 1, d.path)
            out.forward(d, 2, 1, d.path)
          },
        }),
      )
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const socket = await client()
      socket.send(Buffer.from([5, 6, 7]), local.port, "127.0.0.1")
      const heard: number[] = []
      await new Promise<void>(resolve => {
        socket.on("message", ([byte]) => {
          heard.push(byte!)
          if (byte === 7) resolve()
        })
      })
      assert.equal(isOffered, driver.form === "batched")
      assert.deepEqual(heard, isOffered ? [5, 6, 7] : [5, 7])
      assert.equal(driver.counters().sent, heard.length)
      socket.close()
      await driver.close()
    })

    test("many sends in one flush arrive with their own contents, across slabs", async () => {
      const COUNT = 400
      const SIZE = 1200
      const driver = driverOf(
        machine<never>({
          receive(d, _now, out) {
            for (let i = 0; i < COUNT; i++) {
              const at = out.reserve(d.path, SIZE)
              out.bytes.fill(i & 0xff, at, at + SIZE)
              out.view.setUint32(at, i)
              out.commit(SIZE)
            }
          },
        }),
      )
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const socket = await client()
      socket.setRecvBufferSize(4 * 1024 * 1024)
      const seen = new Set<number>()
      const { promise: all, resolve } = Promise.withResolvers<void>()
      socket.on("message", message => {
        const i = message.readUInt32BE(0)
        assert.ok(message.subarray(4).every(byte => byte === (i & 0xff)))
        seen.add(i)
        if (seen.size === COUNT) resolve()
      })
      for (let round = 0; round < 2; round++) {
        seen.clear()
        socket.send("go", local.port, "127.0.0.1")
        if (round === 0) await all
      }
      socket.close()
      await driver.close()
    })

    test("however much waits on a socket, all of it comes", async () => {
      // More than one turn of any form takes.
      const count = 600
      let received = 0
      const { promise, resolve } = Promise.withResolvers<void>()
      const driver = driverOf(
        machine<never>({
          receive() {
            if (++received === count) resolve()
          },
        }),
      )
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const socket = await client()
      for (let i = 0; i < count; i++) socket.send("one of them", local.port, "127.0.0.1")
      await promise
      socket.close()
      await driver.close()
    })

    test("bind and close requests are answered, and the port is free again", async () => {
      const replies: Reply[] = []
      let echoed: (() => void) | undefined
      const driver = driverOf(
        machine<string>({
          reply(answer, _now, out) {
            replies.push(answer)
            out.tell(answer.type)
          },
        }),
        { onEvent: () => echoed?.(), bindAddresses: loopback },
      )
      const answered = () => new Promise<void>(resolve => (echoed = resolve))
      let next = answered()
      driver.command((_now, out) => out.ask({ type: "bind", id: 7, family: 4, port: 0 }))
      await next
      const [bound] = replies
      assert.ok(bound?.type === "bound", JSON.stringify(replies))
      assert.equal(bound.id, 7)
      assert.deepEqual([...bound.local.ip], [127, 0, 0, 1])

      next = answered()
      driver.command((_now, out) => out.ask({ type: "bind", id: 8, family: 4, port: bound.local.port }))
      await next
      assert.deepEqual(replies[1], { type: "failed", id: 8, reason: "in-use" })

      driver.command((_now, out) => out.ask({ type: "close", socket: bound.socket }))
      next = answered()
      driver.command((_now, out) => out.ask({ type: "bind", id: 9, family: 4, port: bound.local.port }))
      await next
      assert.equal(replies[2]?.type, "bound")
      await driver.close()
    })

    test("a socket is bound to the one address that is asked for", async () => {
      const replies: Reply[] = []
      const { promise: both, resolve } = Promise.withResolvers<void>()
      const driver = driverOf(machine<never>({ reply: answer => replies.push(answer) === 2 && resolve() }))
      const ask = (id: number, ip: Uint8Array) =>
        driver.command((_now, out) => out.ask({ type: "bind", id, family: 4, ip, port: 0 }))
      ask(1, Uint8Array.of(127, 0, 0, 9))
      ask(2, Uint8Array.of(192, 0, 2, 1))
      await both
      const bound = replies.find(({ id }) => id === 1)
      assert.deepEqual(bound?.type === "bound" && [...bound.local.ip], [127, 0, 0, 9])
      const failed = replies.find(({ id }) => id === 2)
      assert.deepEqual(failed, { type: "failed", id: 2, reason: "refused" })
      await driver.close()
    })

    test("an address that is not ours is refused", async () => {
      let told: ((reply: Reply) => void) | undefined
      const driver = driverOf(machine<never>({ reply: answer => told?.(answer) }), {
        bindAddresses: { 4: "192.0.2.1" },
      })
      const reply = new Promise<Reply>(resolve => (told = resolve))
      driver.command((_now, out) => out.ask({ type: "bind", id: 1, family: 4, port: 0 }))
      assert.deepEqual(await reply, { type: "failed", id: 1, reason: "refused" })
      await driver.close()
    })

    test("a machine may close only what was bound for it", async () => {
      const faults: unknown[] = []
      const driver = driverOf(machine<never>({}), { onFault: error => faults.push(error) })
      const { socket } = await driver.listen({ address: "127.0.0.1", port: 0 })
      driver.command((_now, out) => out.ask({ type: "close", socket }))
      assert.match(String(faults[0]), /was not bound for this machine/)
      await driver.close()
    })

    test("the timer follows nextTick, earlier and later", async () => {
      const ticks: number[] = []
      const { promise: done, resolve } = Promise.withResolvers<void>()
      const self = machine<never>({
        tick(now) {
          ticks.push(now)
          self.nextTick = ticks.length < 3 ? now + 2 : Infinity
          if (ticks.length === 3) resolve()
        },
      })
      const driver = driverOf(self)
      const before = monotonicNow()
      driver.command(now => (self.nextTick = now + 60_000))
      driver.command(now => (self.nextTick = now + 2))
      await done
      assert.ok(ticks[2]! - before < 5_000)
      assert.ok(ticks[1]! >= ticks[0]! + 2)
      await driver.close()
    })

    test("a machine that throws loses that datagram and nothing else", async () => {
      const faults: [unknown, string][] = []
      const driver = driverOf(
        machine<never>({
          receive(d, now, out) {
            out.reserve(d.path, 100)
            if (d.length === 3) throw new Error("bug")
            echoCopied(d, now, out)
          },
        }),
        { onFault: (error, during) => faults.push([error, during]) },
      )
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const socket = await client()
      socket.send("bug", local.port, "127.0.0.1")
      socket.send("fine", local.port, "127.0.0.1")
      const [message] = (await once(socket, "message")) as [Buffer]
      assert.equal(message.toString(), "fine")
      assert.deepEqual(
        faults.map(([error, during]) => [(error as Error).message, during]),
        [["bug", "receive"]],
      )
      socket.close()
      await driver.close()
    })

    test("events and evidence are told after the turn, and a handler may give commands", async () => {
      const told: string[] = []
      const driver: Driver<string> = driverOf(machine<string>({}), {
        onEvent(event) {
          told.push(event)
          if (event === "first") driver.command((_now, out) => out.tell("from the handler"))
          if (event === "second") throw new Error("a handler's bug")
        },
        onEvidence: (evidence: Evidence) => told.push(evidence.kind),
        onFault: (error, during) => told.push(`${during}: ${(error as Error).message}`),
      })
      driver.command((_now, out) => {
        out.tell("first")
        out.tell("second")
        out.note({ layer: "turn", kind: "permitted", allocation: 1, peer: "192.0.2.1:1" })
        assert.deepEqual(told, [])
      })
      assert.deepEqual(told, ["permitted", "first", "second", "event: a handler's bug", "from the handler"])
      assert.throws(() => driver.command(() => driver.command(() => {})), /from within the machine/)
      await driver.close()
    })

    test("a port that is taken is a ListenError that names it", async () => {
      const driver = driverOf(machine<never>({}))
      const { local } = await driver.listen({ address: "127.0.0.1", port: 0 })
      const again = driver.listen({ address: "127.0.0.1", port: local.port })
      await assert.rejects(again, error => {
        assert.ok(error instanceof ListenError)
        assert.equal(error.code, "EADDRINUSE")
        assert.match(error.message, new RegExp(`UDP 127.0.0.1 port ${local.port}`))
        return true
      })
      await driver.close()
    })

    test("close leaves no handle and no timer, also while a socket is being bound", async () => {
      const [make, end] = script
      const source = `
        import { chooseIo, Driver } from ${JSON.stringify(import.meta.resolve("./index.ts"))}
        const machine = { nextTick: Infinity, receive() {}, reply() {}, tick() {} }
        ${make}
        const driver = new Driver(machine, { bindAddresses: { 4: "127.0.0.1" }, ...options })
        await driver.listen({ address: "127.0.0.1", port: 0 })
        driver.command((now, out) => {
          out.ask({ type: "bind", id: 1, family: 4, port: 0 })
          machine.nextTick = now + 60_000
        })
        await driver.close()
        await driver.close()
        try { driver.command(() => {}) } catch (error) { console.log(error.message) }
        ${end}
      `
      const run = spawn(process.execPath, [
        "--conditions=@tightbeam/source",
        "--input-type=module",
        "-e",
        source,
      ])
      const output = run.stdout.toArray()
      const [code] = (await once(run, "exit")) as [number]
      assert.equal(Buffer.concat(await output).toString(), "command: this driver is closed\n")
      assert.equal(code, 0)
    })

    test("IPv4 that comes in on a dual-stack socket is IPv4 to the machine, and is answered", async () => {
      let family = 0
      const driver = driverOf(
        machine<never>({
          receive(d, now, out) {
            family = out.paths.remote(d.path).ip.length
            echoCopied(d, now, out)
          },
        }),
      )
      const { local } = await driver.listen({ address: "::", port: 0 })
      const socket = await client()
      socket.send("ping", local.port, "127.0.0.1")
      await once(socket, "message")
      assert.equal(family, 4)
      socket.close()
      await driver.close()
    })
  })
}
