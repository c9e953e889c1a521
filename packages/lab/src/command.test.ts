import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { cells } from "./index.ts"

const script = fileURLToPath(new URL("../../../scripts/sim.ts", import.meta.url))

const sim = (...args: string[]) =>
  spawnSync(process.execPath, ["--conditions=@tightbeam/source", script, ...args], { encoding: "utf8" })

interface Row {
  readonly suite: string
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly goal?: number
  readonly met?: boolean
}

const rowsOf = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map(line => JSON.parse(line) as Row)

test("npm run sim -- nat-matrix --seed K prints that cell in its place", () => {
  const { status, stdout } = sim("nat-matrix", "--seed", "0")
  assert.equal(status, 0)
  assert.match(stdout, /^STUN only, without ICE-TCP\n.*\n {2}public +Dhh \d\.\d\/\d+\n/)
})

test("what fails is named, with the command that replays it", () => {
  const { status, stderr } = sim("nat-matrix", "--seed", String(cells.length))
  assert.equal(status, 1)
  assert.match(stderr, new RegExp(`^npm run sim -- nat-matrix --seed ${cells.length}\\n.*from 0 on`))
})

test("workers share the seeds, and their sum is that of one process", () => {
  const run = (workers: string) => sim("ice-rto", "--seeds", "9", "--json", "--workers", workers)
  const [one, several] = [run("1"), run("2")]
  assert.equal(several.status, 0, several.stderr)
  assert.equal(several.stdout, one.stdout)
  const [failing, time] = rowsOf(several.stdout)
  assert.deepEqual(
    [failing!.metric, failing!.value, failing!.goal, failing!.met],
    ["failing seeds", 0, 0, true],
  )
  assert.match(time!.metric, /^time to connect/)
})

test("a run that is shorter than its goals are for shows how far it is, and fails for none", () => {
  const { status, stdout } = sim("ice-population", "--seeds", "2", "--json")
  assert.equal(status, 0)
  assert.ok(rowsOf(stdout).some(({ case: of, met }) => of === "general" && met === false))
})
