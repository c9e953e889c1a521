import assert from "node:assert/strict"
import { randomFillSync } from "node:crypto"
import { test } from "node:test"
import { describeProblem, type ProblemKind, problemKind, secureAddress } from "./device-problems.ts"
import { Devices, type MediaSource, problemsOf } from "./devices.ts"
import { suggestRoomName, tidyPersonName, tidyRoomName } from "./names.ts"
import { parseRoute, roomPath } from "./route.ts"
import { shareLink } from "./share-link.ts"

test("suggested names can be said, typed and put into a link", () => {
  for (let i = 0; i < 500; i++) {
    const name = suggestRoomName(bytes => randomFillSync(bytes))
    assert.match(name, /^([bdgklmnrstvz][aeiou]){2}(-([bdgklmnrstvz][aeiou]){2}){2}$/)
    assert.equal(tidyRoomName(name), name)
  }
})

test("typed room names become what a link can carry", () => {
  const typed = ["Team Standup", "Müller & Söhne", "  a  b", "--x", "日本", "a".repeat(80), "v1.2_beta"]
  const tidied = ["team-standup", "muller-sohne", "a-b", "x", "", "a".repeat(64), "v1-2_beta"]
  assert.deepEqual(typed.map(tidyRoomName), tidied)
})

test("names of people keep any script, and nothing that turns text around", () => {
  const typed = ["  Ada ", "نور الهدى", "a\u202eb\u0007c", "", "x".repeat(80)]
  assert.deepEqual(typed.map(tidyPersonName), ["Ada", "نور الهدى", "abc", "Guest", "x".repeat(64)])
})

test("the address bar names the page", () => {
  const route = (path: string) => parseRoute(new URL(path, "https://calls.example"))
  const standup = { page: "room", room: "standup", relayOnly: false, token: undefined }
  assert.deepEqual(route("/"), { page: "home" })
  assert.deepEqual(route("/r/standup"), standup)
  assert.deepEqual(route("/r/Stand_Up-2"), { ...standup, room: "Stand_Up-2" })
  assert.deepEqual(route("/r/a%20b/?relay=1"), { ...standup, room: "a-b", relayOnly: true })
  assert.deepEqual(route("/r/standup#token=a.b.c"), { ...standup, token: "a.b.c" })
  assert.deepEqual(route("/r/%E0%A4%A"), { page: "home" })
  assert.deepEqual(route("/r/%E6%97%A5"), { page: "home" })
  assert.equal(roomPath("a b"), "/r/a%20b")
})

test("the link to share is one that others can open", () => {
  const lan = "https://192.168.1.20:8080"
  const here = { url: "https://calls.example/r/x", replacesLocalhost: false }
  assert.deepEqual(shareLink("x", "https://calls.example", lan), here)
  assert.deepEqual(shareLink("x", "http://localhost:8080", lan), {
    url: `${lan}/r/x`,
    replacesLocalhost: true,
  })
  assert.deepEqual(shareLink("x", "http://127.0.0.1:8080", undefined), {
    url: "http://127.0.0.1:8080/r/x",
    replacesLocalhost: false,
  })
})

test("what getUserMedia throws has a kind", () => {
  const kinds: Readonly<Record<string, ProblemKind>> = {
    NotAllowedError: "denied",
    NotFoundError: "not-found",
    NotReadableError: "in-use",
    OverconstrainedError: "over-constrained",
    AbortError: "timeout",
    TypeError: "unknown",
  }
  for (const [name, kind] of Object.entries(kinds))
    assert.equal(problemKind(new DOMException("", name)), kind)
  assert.equal(problemKind("no error at all"), "unknown")
})

test("every problem says what is so, what to do, and that one can join", () => {
  const kinds = [
    "insecure",
    "denied",
    "not-found",
    "in-use",
    "over-constrained",
    "timeout",
    "unknown",
  ] as const
  for (const kind of kinds)
    for (const devices of [["camera"], ["microphone"], ["camera", "microphone"]] as const) {
      const { title, advice } = describeProblem(kind, devices, "http://192.168.1.20:8080/r/x")
      assert.ok(title.length > 10 && !title.endsWith("."))
      assert.match(advice, /You can join anyway; the others won’t (see|hear|see or hear) you\.$/)
    }
  assert.match(
    describeProblem("insecure", ["camera"], "http://10.0.0.2:8080/r/x").advice,
    /https:\/\/10\.0\.0\.2:8080\/r\/x/,
  )
  assert.equal(secureAddress("http://a.example/r/x?relay=1"), "https://a.example/r/x?relay=1")
})

/** Devices that answer getUserMedia with an error. */
function failing(name: string, kinds: readonly MediaDeviceKind[]): MediaSource & { asked: number } {
  return Object.assign(new EventTarget(), {
    asked: 0,
    enumerateDevices: () =>
      Promise.resolve(
        kinds.map(kind => ({ kind, deviceId: kind, label: "", groupId: "" }) as MediaDeviceInfo),
      ),
    getUserMedia(this: { asked: number }) {
      this.asked++
      return Promise.reject(new DOMException("", name))
    },
  })
}

test("without media devices the page is called insecure", async () => {
  const devices = new Devices(undefined)
  await devices.start()
  const problems = problemsOf(devices, "http://192.168.1.20/r/x")
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ["insecure"],
  )
  await devices.retry()
  await devices.setOn("camera", true)
})

test("a refusal is asked for once, and told once for both", async () => {
  const media = failing("NotAllowedError", ["videoinput", "audioinput"])
  const devices = new Devices(media)
  await devices.start()
  assert.equal(media.asked, 1)
  assert.deepEqual(
    problemsOf(devices, "https://x/").map(({ title }) => title),
    ["The browser may not use your camera and microphone"],
  )
})

test("with no devices nothing is asked", async () => {
  const media = failing("NotFoundError", [])
  const devices = new Devices(media)
  await devices.start()
  assert.equal(media.asked, 0)
  assert.deepEqual(
    problemsOf(devices, "https://x/").map(({ kind }) => kind),
    ["not-found"],
  )
})

test("where both fail for another reason, each is tried by itself", async () => {
  const media = failing("NotReadableError", ["videoinput", "audioinput"])
  await new Devices(media).start()
  assert.equal(media.asked, 3)
})
