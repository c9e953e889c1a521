import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, test } from "node:test"
import { HeaderChecksum, transportChecksum } from "./checksum.ts"
import { sequenceDiagram } from "./diagram.ts"
import { Internet } from "./internet.ts"
import { bursts } from "./link.ts"
import { pcapng } from "./pcapng.ts"
import { Recording } from "./recording.ts"
import { readPcapng } from "./testing/pcapng-reader.ts"
import { addressOf, Probe } from "./testing/probe.ts"

/** Everything that draws from the randomness, at once. */
function run(seed: number) {
  const net = new Internet({ seed, link: { delay: 20, jitter: 30, loss: bursts(0.1, 3), reordering: 0.1 } })
  const recording = new Recording(net)
  const server = net.host("server", { families: [4, 6], link: { duplication: 0.1, rate: 5_000_000 } })
  const carrier = net.nat({ name: "carrier", subnet: "100.64.0.0", pooling: "arbitrary", addresses: 3 })
  const home = carrier.nat({ name: "home", mapping: "address-and-port-dependent" })
  const ada = home.host("ada", { families: [4, 6] })
  for (const ip of ["20.0.0.1", "2a01::1"]) {
    const echo: Probe = new Probe(server, 3478, ip)
    const socket = new Probe(ada, 5000, ada.address(ip.includes(":") ? 6 : 4))
    for (let i = 0; i < 40; i++) net.schedule.after(i * 50, () => socket.say(`number ${i}`, echo))
  }
  server.listenTcp(443, connection => connection.send(new Uint8Array(20_000).fill(7)))
  ada.connectTcp(addressOf("20.0.0.1:443"), {})
  net.schedule.after(1000, () => home.reboot())
  net.run(20_000)
  return recording
}

describe("A recording", () => {
  test("same seed, same run, byte for byte; another seed, another run", () => {
    const [first, again, other] = [run(1), run(1), run(2)]
    assert.ok(first.records.length > 200)
    assert.equal(first.hash, again.hash)
    assert.deepEqual(pcapng(first), pcapng(again))
    assert.notEqual(first.hash, other.hash)
  })

  test("is written as pcapng: every packet at every place, whole, with its time and checksums", () => {
    const recording = run(1)
    const { interfaces, packets } = readPcapng(pcapng(recording))
    assert.equal(packets.length, recording.records.length)
    assert.deepEqual(new Set(interfaces), new Set(["ada", "home", "carrier", "server", "dropped"]))
    for (const [i, packet] of packets.entries()) {
      const record = recording.records[i]!
      const { at, what, where, why, from, to, payload, protocol } = record
      assert.ok(Math.abs(packet.ms - at) < 1e-6 + at * 1e-12)
      assert.equal(interfaces[packet.interfaceId], what === "dropped" ? "dropped" : where)
      assert.equal(packet.comment, what === "dropped" ? `${where}: ${why}` : undefined)
      assert.equal(packet.direction, { sent: 2, received: 1, forwarded: 0, dropped: 0 }[what])
      const { bytes } = packet
      const isV4 = from.ip.length === 4
      const start = isV4 ? 20 : 40
      assert.equal(bytes[0]! >> 4, isV4 ? 4 : 6)
      assert.deepEqual(bytes.subarray(start - 2 * from.ip.length, start - from.ip.length), from.ip)
      assert.deepEqual(bytes.subarray(start - to.ip.length, start), to.ip)
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      assert.deepEqual([view.getUint16(start), view.getUint16(start + 2)], [from.port, to.port])
      assert.deepEqual(bytes.subarray(start + (protocol === "udp" ? 8 : 20)), payload)
      // A sum that contains its own complement is 0 (RFC 1071 §1).
      if (isV4) assert.equal(new HeaderChecksum().add(bytes, 0, 20).value, 0)
      assert.equal(transportChecksum(from.ip, to.ip, protocol === "udp" ? 17 : 6, bytes, start), 0)
    }
  })

  test("is read by tshark without a complaint", t => {
    const version = spawnSync("tshark", ["--version"])
    if (version.error !== undefined) return t.skip("tshark is not installed")
    const folder = mkdtempSync(join(tmpdir(), "pcapng-"))
    try {
      const recording = run(1)
      writeFileSync(join(folder, "run.pcapng"), pcapng(recording))
      const checksums = [
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
      ]
      const read = (filter: string) =>
        spawnSync("tshark", [...checksums, "-r", join(folder, "run.pcapng"), "-Y", filter], {
          encoding: "utf8",
        })
      const all = read("frame")
      assert.equal(all.status, 0, all.stderr)
      assert.equal(all.stdout.trim().split("\n").length, recording.records.length)
      const bad = read(
        "ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || _ws.malformed",
      )
      assert.equal(bad.stdout, "")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test("is drawn as a Mermaid sequence diagram, hop by hop, with what was lost and why", () => {
    const net = new Internet({ seed: 1, link: { delay: 10 } })
    const recording = new Recording(net)
    const server = new Probe(net.host("server"), 3478)
    const socket = new Probe(net.nat({ name: "home; of Ada" }).host("ada"), 5000)
    socket.say("hello", server)
    net.run(50)
    server.say("to nobody", "20.0.0.2:9")
    net.host("tcp").connectTcp(addressOf("20.0.0.1:80"), {})
    net.run(15)
    assert.equal(
      sequenceDiagram(recording),
      `sequenceDiagram
  participant p0 as ada
  participant p1 as home  of Ada
  participant p2 as server
  participant p3 as tcp
  p0->>p1: 0.0 ms 20.0.0.2:5000 > 20.0.0.1:3478 UDP 5 B
  p1->>p2: 10.0 ms 20.0.0.2:5000 > 20.0.0.1:3478 UDP 5 B
  p2-xp2: 60.0 ms 20.0.0.1:3478 > 20.0.0.2:9 UDP 9 B: no mapping (home  of Ada)
  p3->>p2: 60.0 ms 20.0.0.3:49152 > 20.0.0.1:80 TCP SYN 0 B
`,
    )
  })

  test("names STUN by its method and class", () => {
    const net = new Internet(1)
    const recording = new Recording(net)
    const [ada, ben] = [net.host("ada"), net.host("ben")]
    ben.bind(3478, () => {})
    const say = (...head: number[]) => {
      const payload = new Uint8Array(20)
      payload.set(head)
      ada.send({ ip: ada.ips[0]!, port: 5000 }, { ip: ben.ips[0]!, port: 3478 }, payload)
    }
    for (const type of [0x0001, 0x0101, 0x0111, 0x0016, 0x0108]) say(type >> 8, type & 0xff)
    say(22)
    say(0x40)
    say(128)
    net.run(100)
    const said = sequenceDiagram(recording).matchAll(/3478 (.*?) 20 B/g)
    assert.deepEqual(
      [...said].map(([, words]) => words),
      [
        "Binding request",
        "Binding response",
        "Binding error",
        "Send indication",
        "CreatePermission response",
        "DTLS",
        "ChannelData",
        "RTP",
      ],
    )
  })
})
