import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { judge } from "./oracle/judge.ts"
import { CARRIERS, type PopulationCall, populationCall, populations, seatOf, shares } from "./population.ts"

const CALLS = 120

describe("a population", () => {
  for (const population of populations) {
    test(`${population.name}: its networks explain its calls`, () => {
      const names = Object.keys(population.networks)
      const expected = new Map<string, number>(CARRIERS.map(carrier => [carrier, 0]))
      assert.ok(Math.abs(names.reduce((sum, name) => sum + population.networks[name]!, 0) - 100) < 1e-9)
      for (const a of names) {
        for (const b of names) {
          const ends = [[seatOf(a)], [seatOf(b)]] as const
          const { outcome, relayed } = judge({ ends, turn: true, tcp: false })
          const over = (["tls", "tcp", "udp"] as const).find(each => relayed.includes(each))!
          const carrier = outcome === "direct" ? "no relay" : `TURN/${over.toUpperCase()}`
          const share = (population.networks[a]! * population.networks[b]!) / 100
          expected.set(carrier, expected.get(carrier)! + share)
        }
      }
      for (const carrier of CARRIERS) {
        const [is, should] = [expected.get(carrier)!, population.expected[carrier]]
        assert.ok(Math.abs(is - should) < 0.5, `${carrier}: ${is.toFixed(1)} %, not ${should} %`)
      }
    })
  }

  test("calls by the agent are carried as theory says, as far as so few can tell", () => {
    const calls = Array.from({ length: CALLS }, (_, seed) => populationCall(seed))
    for (const { population, carrier, value, expected } of shares(calls))
      assert.ok(Math.abs(value - expected) < 20, `${population}, ${carrier}: ${value.toFixed(0)} %`)
  })

  test("shares are percentages of each population's own calls", () => {
    const call = (population: string, carrier: PopulationCall["carrier"]) => ({ population, carrier })
    const all = shares([call("general", "no relay"), call("general", "TURN/UDP"), call("mobile", "TURN/UDP")])
    const of = (population: string) =>
      all.filter(each => each.population === population).map(({ value }) => value)
    assert.deepEqual(
      [of("general"), of("mobile")],
      [
        [50, 50, 0, 0],
        [0, 100, 0, 0],
      ],
    )
  })
})
