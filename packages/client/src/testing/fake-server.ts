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
  host: boolean
  hand: number | null
  socket: Socket | undefined
  /** Signals that came while there was no socket. */
  readonly missed: ServerMessage[]
}

type Join = Extract<ClientMessage, { type: "join" }>

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
  /** Whoever joins waits. */
  locked = false
  /** Sources that nobody may publish. */
  readonly forbidden: Set<Source> = new Set()
  readonly #schedule: Schedule
  readonly #seats: Seat[] = []
  readonly #waiting = new Map<string, { readonly socket: Socket; readonly message: Join }>()
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

  /** Breaks the socket of somebody who waits. */
  cutWaiting(name: string): void {
    const [socket] = [...this.#waiting.values()].flatMap(each =>
      each.message.name === name ? [each.socket] : [],
    )
    this.#later(() => socket!.handlers.closed())
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
      case "hand":
        seat.hand = message.raised ? this.#seq + 1 : null
        return this.#changed(seat, "updated")
      case "lock":
        this.locked = message.locked
        return this.#tellLobby()
      case "admit": {
        const { socket, message: join } = this.#waiting.get(message.participant)!
        this.#waiting.delete(message.participant)
        if (message.admit) this.#enter(socket, join, message.participant)
        else this.#end(socket, "not-admitted")
        return this.#tellLobby()
      }
      case "kick": {
        const kicked = this.#seats.find(({ id }) => id === message.participant)!
        const { socket } = kicked
        this.#seats.splice(this.#seats.indexOf(kicked), 1)
        if (socket !== undefined) this.#end(socket, "kicked")
        return this.#changed(kicked, "left")
      }
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
    if (message.type === "rejoin") {
      const seat = this.#seats.find(({ id }) => `key of ${id}` === message.session)
      if (seat === undefined) {
        const unknown = { code: "session-unknown", message: "Nobody has it.", hint: "Join again." } as const
        return this.#say(socket, { type: "error", fatal: true, ...unknown })
      }
      return this.#welcome(socket, seat, message.room)
    }
    const id = `p${this.#seq}-${this.#waiting.size}`
    if (!this.locked) return this.#enter(socket, message, id)
    this.#waiting.set(id, { socket, message })
    this.#say(socket, { type: "waiting" })
    this.#tellLobby()
  }

  #enter(socket: Socket, { name, room }: Join, id: string): void {
    const host = this.#seats.length === 0
    const seat = { id, name, publications: [], away: false, host, hand: null, socket, missed: [] }
    this.#seats.push(seat)
    this.#changed(seat, "joined")
    this.#welcome(socket, seat, room)
    if (host) this.#tellLobby()
  }

  #welcome(socket: Socket, seat: Seat, room: string): void {
    seat.socket = socket
    socket.seat = seat
    const own = this.#seats.indexOf(seat)
    this.#tell(seat, {
      type: "joined",
      version: 1,
      room,
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

  #tellLobby(): void {
    const waiting = [...this.#waiting].map(([id, { message }]) => ({ id, name: message.name }))
    for (const seat of this.#seats)
      if (seat.host) this.#tell(seat, { type: "lobby", locked: this.locked, waiting })
  }

  #end(socket: Socket, code: "kicked" | "not-admitted"): void {
    socket.seat = undefined
    this.#say(socket, { type: "error", code, message: "A host said so.", hint: "Ask them.", fatal: true })
  }

  #say({ handlers }: Socket, message: ServerMessage): void {
    this.#later(() => handlers.message(JSON.stringify(message)))
  }

  #closed(socket: Socket): void {
    if (socket.seat !== undefined) socket.seat.socket = undefined
    for (const [id, each] of this.#waiting) if (each.socket === socket) this.#waiting.delete(id)
    this.#tellLobby()
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

function participant({ id, name, publications, away, host, hand }: Seat): Participant {
  return { id, name, publications, away, host, hand }
}
