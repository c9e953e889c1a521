/** A signaling server of one room, as `docs/signaling.md` has it, as far as the SDK's own tests need it. */
import type { Schedule } from "@tightbeam/sim"
import type { Transport, TransportHandlers } from "../environment.ts"
import type {
  ClientMessage,
  IceServer,
  Participant,
  Publication,
  ServerMessage,
  Source,
} from "../messages.ts"

interface Seat {
  readonly id: string
  name: string
  publications: readonly Publication[]
  away: boolean
  socket: Socket | undefined
  /** Signals that came while there was no socket. */
  readonly missed: ServerMessage[]
}

interface Socket {
  readonly handlers: TransportHandlers
  seat: Seat | undefined
}

/** How long a message is under way, ms. */
const LATENCY = 1

export class FakeServer {
  /** All that anybody said, by the name they joined with; sockets that have not joined say it as "". */
  readonly heard: { readonly from: string; readonly message: ClientMessage }[] = []
  iceServers: readonly IceServer[] = []
  /** Lets sockets open. */
  answers = true
  /** Sources that nobody may publish. */
  readonly forbidden: Set<Source> = new Set()
  readonly #schedule: Schedule
  readonly #seats: Seat[] = []
  #seq = 0

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  readonly connect = (handlers: TransportHandlers): Transport => {
    const socket: Socket = { handlers, seat: undefined }
    if (this.answers) this.#later(() => handlers.opened())
    return {
      send: text => this.#later(() => this.#receive(socket, JSON.parse(text) as ClientMessage)),
      close: () => this.#later(() => this.#closed(socket)),
    }
  }

  /** What somebody said, of one type. */
  said<Type extends ClientMessage["type"]>(
    from: string,
    type: Type,
  ): Extract<ClientMessage, { type: Type }>[] {
    return this.heard
      .filter(each => each.from === from && each.message.type === type)
      .map(({ message }) => message as Extract<ClientMessage, { type: Type }>)
  }

  /** Says something to somebody, JSON or not. */
  say(to: string, message: ServerMessage | string): void {
    const { socket } = this.#seat(to)
    this.#later(() =>
      socket?.handlers.message(typeof message === "string" ? message : JSON.stringify(message)),
    )
  }

  /** Breaks somebody's socket; the server waits for them. */
  cut(name: string): void {
    const seat = this.#seat(name)
    const { socket } = seat
    seat.socket = undefined
    if (socket !== undefined) socket.seat = undefined
    this.#later(() => socket?.handlers.closed())
  }

  /** Whether somebody has a seat and a socket. */
  has(name: string): boolean {
    return this.#seats.some(each => each.name === name && each.socket !== undefined)
  }

  /** Has waited too long for somebody: they left, and come back as somebody new. */
  forget(name: string): void {
    const seat = this.#seat(name)
    this.cut(name)
    this.#seats.splice(this.#seats.indexOf(seat), 1)
    this.#changed(seat, "left")
  }

  /** Knows nobody any more. */
  restart(): void {
    for (const { name } of this.#seats) this.cut(name)
    this.#seats.length = 0
    this.#seq += 1000
  }

  #seat(name: string): Seat {
    const seat = this.#seats.find(each => each.name === name)
    if (seat === undefined) throw new Error(`Nobody of the name ${name} is here.`)
    return seat
  }

  #later(act: () => void): void {
    this.#schedule.after(LATENCY, act)
  }

  #receive(socket: Socket, message: ClientMessage): void {
    const { seat } = socket
    this.heard.push({ from: seat?.name ?? "", message })
    if (message.type === "join" || message.type === "rejoin") return this.#admit(socket, message)
    if (seat === undefined) return
    switch (message.type) {
      case "signal": {
        const to = this.#seats.find(({ id }) => id === message.to)
        const { generation, signal } = message
        if (to === undefined) return
        const told: ServerMessage = { type: "signal", from: seat.id, generation, signal }
        if (to.socket === undefined) to.missed.push(told)
        else this.#tell(to, told)
        return
      }
      case "publish":
        if (message.publications.some(({ source }) => this.forbidden.has(source)))
          return this.#tell(seat, {
            type: "error",
            code: "not-allowed",
            message: "This token does not allow to publish.",
            hint: "Ask for one that does.",
            fatal: false,
          })
        seat.publications = message.publications
        return this.#changed(seat, "updated")
      case "rename":
        seat.name = message.name
        return this.#changed(seat, "updated")
      case "refresh":
        return this.#tell(seat, { type: "ice-servers", iceServers: this.iceServers, ttl: 3600 })
      case "ping":
        return this.#tell(seat, { type: "pong", id: message.id })
      case "leave":
        this.#seats.splice(this.#seats.indexOf(seat), 1)
        socket.seat = undefined
        return this.#changed(seat, "left")
      default:
    }
  }

  #admit(socket: Socket, message: Extract<ClientMessage, { type: "join" | "rejoin" }>): void {
    let seat: Seat | undefined
    if (message.type === "rejoin") seat = this.#seats.find(({ id }) => `key of ${id}` === message.session)
    else {
      const id = `p${this.#seq}`
      seat = { id, name: message.name, publications: [], away: false, socket, missed: [] }
      this.#seats.push(seat)
      this.#changed(seat, "joined")
    }
    if (seat === undefined) {
      const unknown = { code: "session-unknown", message: "Nobody has it.", hint: "Join again." } as const
      const error: ServerMessage = { type: "error", fatal: true, ...unknown }
      return this.#later(() => socket.handlers.message(JSON.stringify(error)))
    }
    seat.socket = socket
    socket.seat = seat
    const own = this.#seats.indexOf(seat)
    this.#tell(seat, {
      type: "joined",
      version: 1,
      room: message.room,
      self: participant(seat),
      participants: this.#seats
        .map((each, i) => ({
          ...participant(each),
          role: own > i ? ("polite" as const) : ("impolite" as const),
        }))
        .filter(({ id }) => id !== seat.id),
      seq: this.#seq,
      session: `key of ${seat.id}`,
      grace: 30_000,
      iceServers: this.iceServers,
      ttl: 3600,
    })
    for (const missed of seat.missed.splice(0)) this.#tell(seat, missed)
  }

  #closed(socket: Socket): void {
    if (socket.seat !== undefined) socket.seat.socket = undefined
  }

  #changed(seat: Seat, change: "joined" | "updated" | "left"): void {
    const seq = ++this.#seq
    for (const [i, other] of this.#seats.entries()) {
      // Who joins is told by `joined`.
      if (other === seat && change === "joined") continue
      const role = i > this.#seats.indexOf(seat) ? "polite" : "impolite"
      this.#tell(
        other,
        change === "left"
          ? { type: "participant", seq, change, participant: { id: seat.id } }
          : { type: "participant", seq, change, participant: { ...participant(seat), role } },
      )
    }
  }

  #tell(seat: Seat, message: ServerMessage): void {
    this.#later(() => seat.socket?.handlers.message(JSON.stringify(message)))
  }
}

function participant({ id, name, publications, away }: Seat): Participant {
  return { id, name, publications, away }
}
