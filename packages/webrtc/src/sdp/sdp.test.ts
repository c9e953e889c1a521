import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, test } from "node:test"
import fc from "fast-check"
import {
  type DataDescription,
  dataDescription,
  formatDataDescription,
  iceParameters,
  parseSdp,
} from "./index.ts"

const OURS: DataDescription = {
  sessionId: "4611731400430051336",
  version: 2,
  mid: "0",
  ice: {
    ufrag: "8hhY+asd",
    pwd: "asd88fgpdd777uzjYhagZgAA",
    lite: false,
    options: ["trickle", "renomination"],
    candidates: ["candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"],
    isComplete: false,
  },
  fingerprints: [
    "sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF",
    "sha-384 AB:CD",
  ],
  setup: "actpass",
  sctpPort: 5000,
  maxMessageSize: 262_144,
}

function parsed(text: string) {
  const session = parseSdp(text)
  if ("why" in session) assert.fail(`line ${session.line}: ${session.why}`)
  return session
}

describe("a data-only description", () => {
  test("says what it was made of", () => {
    const { sessionId: _, version: __, ...rest } = OURS
    assert.deepEqual(dataDescription(parsed(formatDataDescription(OURS))), rest)
  })

  test("of a server that only answers, with all its candidates, is complete and lite", () => {
    const ice = { ...OURS.ice, lite: true, options: [], isComplete: true }
    const read = dataDescription(parsed(formatDataDescription({ ...OURS, ice })))
    assert.ok(typeof read === "object")
    assert.equal(read.ice.lite, true)
    assert.equal(read.ice.isComplete, true)
  })

  test("with credentials that RFC 8839 does not allow is refused in words", () => {
    const text = formatDataDescription(OURS).replace("a=ice-pwd:asd88fgpdd777uzjYhagZgAA", "a=ice-pwd:short")
    assert.equal(dataDescription(parsed(text)), "ice-ufrag and ice-pwd are missing or malformed")
  })

  test("whose section is rejected is none, but one that is bundled without a port is", () => {
    const text = formatDataDescription(OURS).replace("m=application 9 ", "m=application 0 ")
    assert.equal(dataDescription(parsed(text)), "there is no m=application section with webrtc-datachannel")
    assert.equal(typeof dataDescription(parsed(`${text}a=bundle-only\r\n`)), "object")
  })

  test("has the fingerprints of the session where its section has none of its own", () => {
    const text = formatDataDescription({ ...OURS, fingerprints: [] })
    const [one, two] = OURS.fingerprints
    const ofSession = text.replace("t=0 0", `t=0 0\r\na=fingerprint:${one}\r\na=fingerprint:${two}`)
    const fingerprintsOf = (sdp: string) => {
      const read = dataDescription(parsed(sdp))
      return typeof read === "string" ? read : read.fingerprints
    }
    assert.deepEqual(fingerprintsOf(ofSession), OURS.fingerprints)
    assert.deepEqual(fingerprintsOf(`${ofSession}a=fingerprint:sha-256 EF\r\n`), ["sha-256 EF"])
    assert.equal(fingerprintsOf(text), "a=fingerprint is missing")
  })

  test("without a data section is refused in words", () => {
    const text = formatDataDescription(OURS).replace("webrtc-datachannel", "dtls")
    assert.equal(dataDescription(parsed(text)), "there is no m=application section with webrtc-datachannel")
  })
})

describe("session descriptions of others", () => {
  const folder = resolve(import.meta.dirname, "../../../../../shared/vectors/sdp")

  test("every section's credentials and candidates are found", t => {
    if (!existsSync(folder)) return t.skip("the vectors are not here")
    for (const name of readdirSync(folder).filter(name => /^[a-z-]+\.sdp$/.test(name))) {
      for (const text of readFileSync(join(folder, name), "utf8").split(/(?=^v=0)/m)) {
        const session = parseSdp(text.slice(text.indexOf("v=0")))
        if ("why" in session) continue
        for (const section of session.media) {
          const ice = iceParameters(session, section)
          assert.ok(ice !== undefined, `${name}: ${section.media}`)
          const told = section.attributes.filter(({ name }) => name === "candidate").length
          assert.equal(ice.candidates.length, told, name)
        }
      }
    }
  })
})

describe("whatever a stranger sends", () => {
  test("is read or refused with the line that is wrong, and never throws", () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "v=0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=audio 99999 X 0",
        "a=",
        "a=:",
      ),
      fc.string().map(text => `a=ice-ufrag:${text}`),
      fc.string().map(text => `a=candidate:${text}`),
    )
    fc.assert(
      fc.property(fc.array(line), lines => {
        const session = parseSdp(["v=0", ...lines].join("\n"))
        if ("why" in session) assert.ok(session.line >= 1 && session.why !== "")
        else dataDescription(session)
      }),
    )
  })

  test("of absurd length is refused unread", () => {
    assert.deepEqual(parseSdp(`v=0\n${"a=x\n".repeat(300_000)}`), {
      line: 1,
      why: "longer than 1000000 characters",
    })
  })

  test("names the line", () => {
    assert.deepEqual(parseSdp("v=0\r\ns=-\r\nm=audio\r\n"), {
      line: 3,
      why: "an m= line needs a kind, a port, a protocol and formats",
    })
  })
})
