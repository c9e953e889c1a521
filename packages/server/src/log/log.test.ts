import assert from "node:assert/strict"
import { test } from "node:test"
import { createLog, escapeText, type LogOptions } from "./index.ts"

const now = (): Date => new Date("2026-06-01T12:00:00.000Z")

function lines(options: Partial<LogOptions>, act: (log: ReturnType<typeof createLog>) => void): string[] {
  const written: string[] = []
  act(createLog({ level: "info", form: "json", write: line => written.push(line), now, ...options }))
  return written
}

test("what a stranger names himself stays one harmless line", () => {
  const cases: [string, string][] = [
    ["two\nlines\r", "two\\u{a}lines\\u{d}"],
    ["\u001b[31mred\u001b]0;title\u0007", "\\u{1b}[31mred\\u{1b}]0;title\\u{7}"],
    ["abc\u202etxt.exe", "abc\\u{202e}txt.exe"],
    ["\u2066isolate\u2069 \u200b\ufeff", "\\u{2066}isolate\\u{2069} \\u{200b}\\u{feff}"],
    ["c1\u009b31m del\u007f", "c1\\u{9b}31m del\\u{7f}"],
    ["line\u2028separator", "line\\u{2028}separator"],
    ["half \ud800", "half \\u{d800}"],
    ["tag \u{e0041}", "tag \\u{e0041}"],
    ["Zoë 👩‍🚀 日本", "Zoë 👩\\u{200d}🚀 日本"],
  ]
  for (const [text, safe] of cases) assert.equal(escapeText(text), safe)
  assert.equal(escapeText("x".repeat(5_000)).length, 1_001)
})

test("JSON lines parse, and carry the fields", () => {
  const [line] = lines({}, log => log.info("Joined", { name: "a\nb", room: "x", size: 3, none: undefined }))
  assert.deepEqual(JSON.parse(line!), {
    time: "2026-06-01T12:00:00.000Z",
    level: "info",
    message: "Joined",
    name: "a\\u{a}b",
    room: "x",
    size: 3,
  })
})

test("text lines are for people, and cannot be forged by a value", () => {
  const [line] = lines({ form: "text" }, log =>
    log.warn("Joined", { name: 'Ada "x"  error=1', room: "blue", n: 1 }),
  )
  assert.match(
    line!,
    /^\d\d:\d\d:\d\d {2}warn {3}Joined {2}name="Ada \\"x\\" {2}error=1" {2}room=blue {2}n=1$/,
  )
})

test("less than the level is not written", () => {
  const all = (log: ReturnType<typeof createLog>): void => {
    log.debug("a")
    log.info("b")
    log.warn("c")
    log.error("d")
  }
  assert.equal(lines({ level: "debug" }, all).length, 4)
  assert.equal(lines({ level: "info" }, all).length, 3)
  assert.equal(lines({ level: "error" }, all).length, 1)
})
