import assert from "node:assert/strict"

const LABEL = String.raw`[a-z_]+="(?:[^"\\\n]|\\["\\n])*"`
const SERIES = new RegExp(`^([a-z_]+(?:\\{${LABEL}(?:,${LABEL})*\\})?) (\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`)

/** Reads Prometheus' text format, strictly: values by their series, each named once and declared before. */
export function parseMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>()
  const declared = new Set<string>()
  for (const line of text.split("\n")) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line)
    if (type !== null) declared.add(type[1]!)
    if (line === "" || line.startsWith("# ")) continue
    const [, series, value] = SERIES.exec(line) ?? []
    assert.ok(series !== undefined, `not a series: ${line}`)
    assert.ok(declared.has(series.split("{")[0]!), `not declared: ${line}`)
    assert.ok(!values.has(series), `twice: ${line}`)
    values.set(series, Number(value))
  }
  return values
}
