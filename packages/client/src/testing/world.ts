/** A server, browsers, devices and the time they live in, for the SDK's own tests. */
import { Schedule } from "@tightbeam/sim"
import type { Clock } from "../environment.ts"
import { Room, type RoomOptions } from "../room.ts"
import { FakeDevices } from "./fake-media.ts"
import { FakeConnections, type FakePeerConnection } from "./fake-peer-connection.ts"
import { FakeServer } from "./fake-server.ts"

export class World {
  readonly schedule: Schedule = new Schedule()
  readonly clock: Clock
  readonly connections: FakeConnections = new FakeConnections(this.schedule)
  readonly server: FakeServer = new FakeServer(this.schedule)
  readonly devices: FakeDevices = new FakeDevices()
  #rooms = 0

  constructor() {
    let chance = 0
    this.clock = {
      now: () => this.schedule.now,
      after: (delay, act) => this.schedule.after(delay, act),
      // 0.5 is the middle of every spread; a little more each time, so that ids differ.
      random: () => 0.5 + (chance = (chance + 1e-6) % 0.01),
    }
  }

  /** Lets `ms` pass, with all that promises do meanwhile. */
  async run(ms: number): Promise<void> {
    const end = this.schedule.now + ms
    do await settle()
    while (this.schedule.step(end))
    this.schedule.run(end - this.schedule.now)
  }

  room(options: Partial<RoomOptions> = {}): Room {
    return new Room({
      url: "https://calls.example",
      token: "a token",
      connect: this.server.connect,
      createConnection: this.connections.create,
      clock: this.clock,
      certificate: { name: `certificate-${this.#rooms++}` } as unknown as RTCCertificate,
      ...options,
    })
  }

  /** Somebody who is in the room. */
  async joined(name: string, options: Partial<RoomOptions> = {}): Promise<Room> {
    const room = this.room(options)
    const join = room.join("standup", { name })
    await this.run(10)
    await join
    return room
  }

  /** Ada and Ben, connected. */
  async call(): Promise<{ ada: Room; ben: Room; adas: FakePeerConnection; bens: FakePeerConnection }> {
    const ada = await this.joined("Ada")
    const ben = await this.joined("Ben")
    await this.run(20)
    this.connections.establish()
    await this.run(20)
    return { ada, ben, adas: connectionOf(ada), bens: connectionOf(ben) }
  }
}

/** The connection of a room with two people in it. */
export function connectionOf(room: Room): FakePeerConnection {
  const [other] = room.snapshot().participants
  return room.connection(other!.id) as unknown as FakePeerConnection
}

/** Lets everything run that waits for nothing but promises. */
export const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
