import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, test } from "node:test"
import fc from "fast-check"
import { formatAddress, parseIp } from "../bytes/index.ts"
import { type Candidate, candidatePriority, MAX_RANK, type Preference } from "./candidate.ts"
import { formatCandidate, MAX_CANDIDATE_LENGTH, parseCandidate } from "./candidate-attribute.ts"

describe("priorities, worked out by hand (RFC 8445 §5.1.2.1, RFC 6544 §4.2)", () => {
  const cases: readonly (readonly [Preference, number])[] = [
    // 126 · 2^24 + 65535 · 2^8 + 255, as every browser says of its first host candidate.
    [{ type: "host", rank: 0 }, 2_130_706_431],
    // 126 · 2^24 + 65534 · 2^8 + 255
    [{ type: "host", rank: 1 }, 2_130_706_175],
    // 110 · 2^24 + …
    [{ type: "prflx", rank: 0 }, 1_862_270_975],
    // 100 · 2^24 + …
    [{ type: "srflx", rank: 0 }, 1_694_498_815],
    // 2 · 2^24, 1 · 2^24 and 0 + 65535 · 2^8 + 255
    [{ type: "relay", rank: 0, relayTransport: "udp" }, 50_331_647],
    [{ type: "relay", rank: 0, relayTransport: "tcp" }, 33_554_431],
    [{ type: "relay", rank: 0, relayTransport: "tls" }, 16_777_215],
    // 90 · 2^24 + (6 · 2^13 + 8191) · 2^8 + 255
    [{ type: "host", rank: 0, tcpType: "active" }, 1_524_629_503],
    // 90 · 2^24 + (4 · 2^13 + 8191) · 2^8 + 255
    [{ type: "host", rank: 0, tcpType: "passive" }, 1_520_435_199],
    // 80 · 2^24 + (6 · 2^13 + 8191) · 2^8 + 255
    [{ type: "prflx", rank: 0, tcpType: "active" }, 1_356_857_343],
  ]
  for (const [preference, priority] of cases)
    test(Object.values(preference).join(" "), () => assert.equal(candidatePriority(preference), priority))

  test("are of 1 to 2^31 − 1, whatever the rank", () => {
    for (const type of ["host", "srflx", "prflx", "relay"] as const)
      for (const tcpType of [undefined, "active", "passive", "so"] as const) {
        const priority = candidatePriority({ type, rank: MAX_RANK, ...(tcpType && { tcpType }) })
        assert.ok(priority >= 1 && priority < 2 ** 31, `${type} ${tcpType}: ${priority}`)
      }
  })
})

const characters = "ABCZabcz0189+/".split("")
const text = (minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...characters), { minLength, maxLength }).map(all => all.join(""))
const anyAddress = fc.record(
  {
    ip: fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    ),
    port: fc.nat(65_535),
  },
  { noNullPrototype: true },
)

const anyCandidate: fc.Arbitrary<Candidate> = fc
  .record({
    foundation: text(1, 32),
    priority: fc.nat(2 ** 31 - 1),
    address: anyAddress,
    type: fc.constantFrom("host", "srflx", "prflx", "relay"),
    related: fc.option(anyAddress, { nil: undefined }),
    tcpType: fc.constantFrom(undefined, "active", "passive", "so"),
    ufrag: fc.option(text(4, 256), { nil: undefined }),
  })
  .map(({ related, tcpType, ufrag, ...rest }) => ({
    ...rest,
    component: 1,
    transport: tcpType === undefined ? "udp" : "tcp",
    ...(related && { related }),
    ...(tcpType && { tcpType }),
    ...(ufrag !== undefined && { ufrag }),
  }))

describe("the candidate attribute", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(anyCandidate, candidate => {
        assert.deepEqual(parseCandidate(formatCandidate(candidate, candidate.ufrag)), candidate)
      }),
    )
  })

  test("is written as browsers do", () => {
    const candidate = parseCandidate(
      "a=candidate:1 1 UDP 1694498815 203.0.113.5 61000 typ srflx raddr 192.0.2.1 rport 5000 generation 0 ufrag AbCd network-id 1",
    )
    assert.ok(typeof candidate !== "string")
    assert.equal(
      formatCandidate(candidate, candidate.ufrag),
      "candidate:1 1 udp 1694498815 203.0.113.5 61000 typ srflx raddr 192.0.2.1 rport 5000 ufrag AbCd",
    )
  })

  const refused: readonly (readonly [string, string])[] = [
    ["", "malformed"],
    ["candidate:", "malformed"],
    ["candidate:1 1 udp 1 192.0.2.1 5000 typ", "malformed"],
    ["candidate:1 1 udp 1 192.0.2.1 5000 tip host", "malformed"],
    ["candidate:1 1 udp 1 192.0.2.1 65536 typ host", "malformed"],
    ["candidate:1 1 udp 1 192.0.2.1 -1 typ host", "malformed"],
    ["candidate:1 1 udp 4294967296 192.0.2.1 5000 typ host", "malformed"],
    ["candidate:1 0 udp 1 192.0.2.1 5000 typ host", "malformed"],
    ["candidate:1 257 udp 1 192.0.2.1 5000 typ host", "malformed"],
    ["candidate:? 1 udp 1 192.0.2.1 5000 typ host", "malformed"],
    [`candidate:${"1".repeat(33)} 1 udp 1 192.0.2.1 5000 typ host`, "malformed"],
    ["candidate:1 1 udp 1 192.0.2.1 5000 typ host generation", "malformed"],
    ["candidate:1 1 udp 1 [::1] 5000 typ host", "malformed"],
    [`candidate:1 1 udp 1 192.0.2.1 5000 typ host x ${"y".repeat(MAX_CANDIDATE_LENGTH)}`, "malformed"],
    ["candidate:1 1 udp 1 0b6e3b1a-7d5d.local 5000 typ host", "name"],
    ["candidate:1 1 udp 1 example.org 5000 typ host", "name"],
    ["candidate:1 2 udp 1 192.0.2.1 5000 typ host", "unknown"],
    ["candidate:1 1 sctp 1 192.0.2.1 5000 typ host", "unknown"],
    ["candidate:1 1 udp 1 192.0.2.1 5000 typ future", "unknown"],
    ["candidate:1 1 tcp 1 192.0.2.1 5000 typ host", "unknown"],
    ["candidate:1 1 tcp 1 192.0.2.1 5000 typ host tcptype other", "unknown"],
  ]
  for (const [text, why] of refused)
    test(`${why}: ${text.slice(0, 70)}`, () => assert.equal(parseCandidate(text), why))

  test("may have a related address that hides where it is from, and extensions twice", () => {
    const candidate = parseCandidate(
      "candidate:1 1 udp 1 203.0.113.5 61000 typ srflx raddr 0.0.0.0 rport 0 x y x z",
    )
    assert.ok(typeof candidate !== "string")
    assert.deepEqual(candidate.related, { ip: parseIp("0.0.0.0")!, port: 0 })
  })

  test("as browsers and others write it is taken, all but names and other components", t => {
    const folder = resolve(import.meta.dirname, "../../../../../shared/vectors/sdp")
    if (!existsSync(folder)) return t.skip("the vectors are not here")
    let taken = 0
    for (const name of readdirSync(folder).filter(name => /^[a-z-]+\.sdp$/.test(name)))
      for (const [line] of readFileSync(join(folder, name), "utf8").matchAll(/^a=candidate:.*$/gm)) {
        const candidate = parseCandidate(line)
        if (typeof candidate === "string") {
          const isAllowed = / [0-9a-f-]+\.local /.test(line) || /^a=candidate:\S+ 2 /.test(line)
          assert.ok(isAllowed, `${name}: ${candidate}: ${line}`)
          continue
        }
        taken++
        assert.ok(line.includes(` ${candidate.address.port} typ ${candidate.type}`), line)
        assert.ok(formatAddress(candidate.address) !== "")
      }
    assert.ok(taken > 0)
  })
})
