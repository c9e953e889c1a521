import assert from "node:assert/strict"
import { test } from "node:test"
import { type Libc, loadLibc } from "./libc.ts"
import { Readiness } from "./readiness.ts"
import { Signal } from "./signal.ts"

const EMFILE = 24
const BAD_DESCRIPTOR = 1_000_000

function libc(t: { skip(why: string): void }): Libc | undefined {
  const loaded = loadLibc()
  if (typeof loaded !== "string") return loaded
  t.skip(loaded)
  return undefined
}

test("a process without a descriptor left is told so, by the name of the call", t => {
  const real = libc(t)
  if (real === undefined) return
  const full: Libc = { ...real, errno: () => EMFILE, epoll_create1: () => -1, eventfd: () => -1 }
  assert.throws(() => new Readiness(full, 8), /^Error: epoll_create1: EMFILE$/)
  assert.throws(() => Signal.create(full), /^Error: eventfd: EMFILE$/)
})

test("a socket that cannot be watched is no silent one", t => {
  const real = libc(t)
  if (real === undefined) return
  const readiness = new Readiness(real, 8)
  assert.throws(() => readiness.add(BAD_DESCRIPTOR), /^Error: epoll_ctl: EBADF$/)
  readiness.close()
})
