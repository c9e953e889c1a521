import { type Internet, Random } from "@tightbeam/sim"
import { quickCrypto } from "../quick-crypto.ts"
import { LabCall } from "./call.ts"
import { networkTypes } from "./network-types.ts"
import type { Seat } from "./place.ts"

/** What carried a call. Where both ends use a relay, the dearer way to it counts. */
export const CARRIERS = ["no relay", "TURN/UDP", "TURN/TCP", "TURN/TLS"] as const
export type Carrier = (typeof CARRIERS)[number]

/** What share of people sits in which networks, and what share of their calls is then carried by what, in percent. */
export interface Population {
  readonly name: string
  readonly networks: Readonly<Record<string, number>>
  readonly expected: Readonly<Record<Carrier, number>>
}

/**
 * Of all ends, u block UDP (a fifth of them all but TLS), s are symmetric, r are port-restricted, and the rest is open to
 * somebody. A call is relayed over TCP or TLS where an end blocks UDP: 1 − (1 − u)²; over UDP where two symmetric ends
 * meet, or a symmetric and a port-restricted one: s² + 2sr. What is measured in the field is the calls; these ends are
 * those that explain them.
 */
export const populations: readonly Population[] = [
  {
    // Calls by callstats.io, 2015–2016: u = 4.6, s = 8.2, r = 75.
    name: "general",
    networks: {
      "UDP blocked": 3.7,
      "TLS only": 0.9,
      symmetric: 8.2,
      "port-restricted": 75,
      "full cone": 4.1,
      "address-restricted": 4.1,
      public: 4,
    },
    expected: { "no relay": 78, "TURN/UDP": 13, "TURN/TCP": 7, "TURN/TLS": 2 },
  },
  {
    // Two phones: s = 40, r = 50.
    name: "mobile",
    networks: { symmetric: 40, "port-restricted": 50, "full cone": 5, "address-restricted": 5 },
    expected: { "no relay": 44, "TURN/UDP": 56, "TURN/TCP": 0, "TURN/TLS": 0 },
  },
]

const DEADLINE = 30_000
/** A direct path that is found after a relayed one is moved to, ms. */
const QUIET = 2000
const BYTES = 3000

export interface PopulationCall {
  readonly population: string
  readonly carrier: Carrier
}

/** One call between two people of a population, by turns of each. */
export function populationCall(seed: number, watch?: (internet: Internet) => void): PopulationCall {
  const population = populations[seed % populations.length]!
  const random = new Random(`population ${seed}`)
  const ends = [[seatOf(draw(population, random))], [seatOf(draw(population, random))]] as const
  const call = new LabCall({
    seed,
    ends,
    turn: ["udp", "tcp", "tls"],
    tcp: false,
    bytes: BYTES,
    crypto: quickCrypto,
    watch,
  })
  call.call()
  call.exchange()
  if (!call.runUntil(() => call.isDone, DEADLINE)) throw new Error("the call found no path")
  call.run(QUIET)
  const { outcome, relayed } = call.result
  const over = (["tls", "tcp", "udp"] as const).find(transport => relayed.includes(transport))
  if (outcome === "direct" || over === undefined) return { population: population.name, carrier: "no relay" }
  return { population: population.name, carrier: `TURN/${over.toUpperCase()}` as Carrier }
}

/** The name of a network, by its share. */
function draw({ networks }: Population, random: Random): string {
  let drawn = random.float() * 100
  const names = Object.keys(networks)
  return names.find(name => (drawn -= networks[name]!) < 0) ?? names[0]!
}

export function seatOf(network: string): Seat {
  return networkTypes.find(({ name }) => name === network)!.seat()
}

export interface Share {
  readonly population: string
  readonly carrier: Carrier
  /** Percent of the calls. */
  readonly value: number
  readonly expected: number
}

export function shares(calls: readonly PopulationCall[]): Share[] {
  return populations.flatMap(({ name, expected }) => {
    const own = calls.filter(({ population }) => population === name)
    return CARRIERS.map(carrier => ({
      population: name,
      carrier,
      value: (100 * own.filter(call => call.carrier === carrier).length) / Math.max(1, own.length),
      expected: expected[carrier],
    }))
  })
}
