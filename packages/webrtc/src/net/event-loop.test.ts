import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { Worker } from "node:worker_threads"
import { chooseIo } from "./choose-io.ts"

const { createLoop, wake, why } = chooseIo("auto")
const skip = createLoop === undefined ? why! : false

test("timers are called when they are due, in their order, and not once they were cleared", {
  skip,
}, async () => {
  const loop = createLoop!({ turn: 5 })
  loop.start()
  const called: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const started = performance.now()
  loop.set(() => {
    called.push("late")
    resolve()
  }, 40)
  loop.clear(loop.set(() => called.push("cleared"), 10))
  loop.set(() => called.push("early"), 20)
  loop.later(() => called.push("soon"))
  await promise
  assert.deepEqual(called, ["soon", "early", "late"])
  assert.ok(performance.now() - started >= 40)
  loop.stop()
})

test("another thread's signal ends the wait at once, and its message is heard", { skip }, async t => {
  const script = `
    import { parentPort } from "node:worker_threads"
    import { chooseIo } from ${JSON.stringify(import.meta.resolve("./choose-io.ts"))}
    const loop = chooseIo("auto").createLoop({ patience: 60_000 })
    loop.start()
    parentPort.on("message", message => {
      parentPort.postMessage(message)
      if (message === "stop") {
        loop.stop()
        parentPort.close()
      }
    })
    parentPort.postMessage(loop.signalFd)
  `
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`))
  const [signalFd] = (await once(worker, "message")) as [number]
  const started = performance.now()
  for (const message of ["one", "two", "stop"]) {
    worker.postMessage(message)
    wake!(signalFd)
    assert.deepEqual(await once(worker, "message"), [message])
  }
  assert.ok(performance.now() - started < 30_000, "it would have waited for a minute")
  t.diagnostic(`three messages and answers took ${(performance.now() - started).toFixed(1)} ms`)
  await once(worker, "exit")
})
