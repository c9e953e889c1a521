import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { readPcapng } from "./testing/pcapng-reader.ts"

const script = fileURLToPath(new URL("../../../scripts/sim.ts", import.meta.url))

const sim = (...args: string[]) =>
  spawnSync(process.execPath, ["--conditions=@tightbeam/source", script, ...args], { encoding: "utf8" })

test("npm run sim -- turn --seed 7 --pcap FILE --diagram FILE writes that run down", () => {
  const folder = mkdtempSync(join(tmpdir(), "sim-"))
  const [pcap, diagram] = [join(folder, "run.pcapng"), join(folder, "run.mmd")]
  try {
    const { status, stdout } = sim("turn", "--seed", "7", "--pcap", pcap, "--diagram", diagram)
    assert.equal(status, 0)
    assert.match(stdout, /^turn: 1 seeds in .* 0 failed$/m)
    const { interfaces, packets } = readPcapng(readFileSync(pcap))
    assert.ok(interfaces.includes("client") && interfaces.includes("server") && packets.length > 100)
    assert.match(readFileSync(diagram, "utf8"), /^sequenceDiagram\n[^]*Allocate request/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test("many seeds cannot be written into one file, and it says what to do instead", () => {
  const { status, stderr } = sim("turn", "--seeds", "2", "--pcap", "run.pcapng")
  assert.equal(status, 2)
  assert.match(stderr, /--seed K/)
})
