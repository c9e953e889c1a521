import assert from "node:assert/strict"
import { type Driver, deterministicCrypto, Internet, type Traffic } from "@tightbeam/sim"
import { type Address, formatAddress } from "@tightbeam/webrtc/bytes"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  TurnClient,
  type TurnClientEvent,
  type TurnEvent,
  TurnServer,
  timeLimitedCredentials,
} from "@tightbeam/webrtc/turn"

const PEOPLE = 4
/** 2026-11-01T00:00:00Z: what 0 on the virtual clock is. */
const EPOCH = 1_793_491_200_000
const SECRET = new TextEncoder().encode("a secret of the tests")
const SERVER_PORT = 3478

/** One second of a call, to each of the others: 50 packets of sound, and five for each of 30 pictures. Lengths in bytes. */
const AUDIO = { times: 50, packets: 1, length: 160 } as const
const VIDEO = { times: 30, packets: 5, length: 1200 } as const

/** Packets that each of them sends to each other one in that second. */
export const PACKETS_EACH: number = AUDIO.times * AUDIO.packets + VIDEO.times * VIDEO.packets

export interface RelayedRoom {
  /** Through the sockets of all relays, for the media alone. */
  readonly traffic: Traffic
  /** Handed from one allocation to another inside the process. */
  readonly packetsJoined: number
  readonly bytesJoined: number
}

/**
 * A second of a call of four behind symmetric NATs, where no pair of addresses works but relayed ones: everybody sends
 * to everybody else from allocation to allocation. On one relay these are joined in process. With a relay for each
 * person nothing can be: each packet goes through the sockets of two, as it would go twice through those of one relay
 * that does not join. Everything arrives, or this throws.
 */
export function relayedRoom(
  seed: number,
  relays: "one" | "each",
  watch?: (internet: Internet) => void,
): RelayedRoom {
  const network = new Internet(seed)
  watch?.(network)
  const servers = Array.from({ length: relays === "one" ? 1 : PEOPLE }, (_, i) => startRelay(network, i))
  const people = Array.from(
    { length: PEOPLE },
    (_, i) => new Person(network, i, servers[i % servers.length]!.address),
  )
  const settled = (holds: (person: Person) => boolean) =>
    network.schedule.runUntil(() => people.every(holds), 60_000)
  settled(person => person.relayed !== undefined)
  for (const person of people) for (const other of people) if (other !== person) person.bind(other.relayed!)
  settled(person => person.channels === PEOPLE - 1)

  const before = sum(servers.map(({ driver }) => driver.traffic))
  for (const { times, packets, length } of [AUDIO, VIDEO])
    for (let time = 0; time < times; time++)
      network.schedule.after((1000 * time) / times, () => {
        for (const person of people)
          for (const other of people)
            if (other !== person) for (let i = 0; i < packets; i++) person.send(other.relayed!, length)
      })
  network.schedule.run(2_000)
  for (const person of people)
    for (const other of people)
      if (other !== person)
        assert.equal(person.heardFrom(other.relayed!), PACKETS_EACH, `seed ${seed}: what arrived`)

  const after = sum(servers.map(({ driver }) => driver.traffic))
  const counters = servers.map(({ server }) => server.counters())
  return {
    traffic: {
      packetsIn: after.packetsIn - before.packetsIn,
      bytesIn: after.bytesIn - before.bytesIn,
      packetsOut: after.packetsOut - before.packetsOut,
      bytesOut: after.bytesOut - before.bytesOut,
    },
    packetsJoined: counters.reduce((total, each) => total + each.packetsJoined, 0),
    bytesJoined: counters.reduce((total, each) => total + each.bytesJoined, 0),
  }
}

/** What joining saves in such a room (`watch` sees the one where they are joined), for people and for `--json`; throws where it is not what was counted as joined. */
export function relayedRoomSaving(seed: number, watch?: (internet: Internet) => void): readonly Saving[] {
  const [joined, apart] = [relayedRoom(seed, "one", watch), relayedRoom(seed, "each")]
  assert.equal(apart.packetsJoined, 0, `seed ${seed}: joined with nobody`)
  for (const [more, less, counted] of [
    [apart.traffic.packetsIn, joined.traffic.packetsIn, joined.packetsJoined],
    [apart.traffic.packetsOut, joined.traffic.packetsOut, joined.packetsJoined],
    [apart.traffic.bytesIn, joined.traffic.bytesIn, joined.bytesJoined],
    [apart.traffic.bytesOut, joined.traffic.bytesOut, joined.bytesJoined],
  ] as const)
    assert.equal(more - less, counted, `seed ${seed}: what is saved is what was counted`)
  return (
    [
      ["packets received", "packets", "packetsIn"],
      ["packets sent", "packets", "packetsOut"],
      ["bytes received", "bytes", "bytesIn"],
      ["bytes sent", "bytes", "bytesOut"],
    ] as const
  ).map(([metric, unit, key]) => ({
    metric,
    unit,
    value: joined.traffic[key],
    peer: "without joining",
    peerValue: apart.traffic[key],
  }))
}

interface Saving {
  readonly metric: string
  readonly unit: string
  readonly value: number
  readonly peer: string
  readonly peerValue: number
}

interface RunningRelay {
  readonly server: TurnServer
  readonly driver: Driver<TurnEvent>
  readonly address: Address
}

function startRelay(network: Internet, i: number): RunningRelay {
  const ip = Uint8Array.of(5, 5, 5, 1 + i)
  const server = new TurnServer({
    crypto: deterministicCrypto(nodeCrypto, network.random.fork(`relay ${i}`)),
    epoch: EPOCH,
    secrets: [SECRET],
    relayedAddress: { v4: ip },
  })
  const driver = network.host(`relay ${i}`, { addresses: [ip.join(".")] }).run(server)
  driver.listen(SERVER_PORT)
  return { server, driver, address: { ip, port: SERVER_PORT } }
}

class Person {
  readonly #client: TurnClient
  readonly #driver: Driver<TurnClientEvent>
  readonly #heard = new Map<string, number>()

  constructor(network: Internet, i: number, relay: Address) {
    this.#client = new TurnClient({
      crypto: deterministicCrypto(nodeCrypto, network.random.fork(`person ${i}`)),
      ...timeLimitedCredentials({
        crypto: nodeCrypto,
        secret: SECRET,
        room: "standup",
        participant: `person-${i}`,
        expiry: EPOCH / 1000 + 86_400,
      }),
      onData: (_, peer) => {
        const from = formatAddress(peer)
        this.#heard.set(from, (this.#heard.get(from) ?? 0) + 1)
      },
    })
    this.#driver = network.host(`person ${i}`, { addresses: [`1.2.3.${1 + i}`] }).run(this.#client)
    const socket = this.#driver.listen(5000)
    this.#driver.command((now, out) => this.#client.allocate(out.paths.open(socket, relay), now, out))
  }

  get relayed(): Address | undefined {
    return this.#driver.events.find(event => event.type === "allocated")?.relayed[0]
  }

  get channels(): number {
    return this.#driver.events.filter(({ type }) => type === "channel-bound").length
  }

  bind(peer: Address): void {
    this.#driver.command((now, out) => this.#client.bindChannel(peer, now, out))
  }

  send(peer: Address, length: number): void {
    this.#driver.command((now, out) => this.#client.send(peer, new Uint8Array(length), now, out))
  }

  heardFrom(peer: Address): number {
    return this.#heard.get(formatAddress(peer)) ?? 0
  }
}

function sum(all: readonly Readonly<Traffic>[]): Traffic {
  const total = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 }
  for (const each of all) for (const key of Object.keys(total) as (keyof Traffic)[]) total[key] += each[key]
  return total
}
