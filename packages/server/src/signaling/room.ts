import type { ErrorCode, Lobby, Participant, Peer, Publication, Role } from "@tightbeam/client"
import type { PassedSignal } from "./frequent.ts"

/** What happens in a room, in the one order that its bus gives to everybody. `by`: the host who does it. */
export type RoomEvent =
  /** `host`: the token says so. */
  | { readonly type: "join"; readonly id: string; readonly name: string; readonly host: boolean }
  | {
      readonly type: "update"
      readonly id: string
      readonly name?: string
      readonly publications?: readonly Publication[]
      readonly away?: boolean
      /** Whether the hand is up. */
      readonly hand?: boolean
    }
  | { readonly type: "leave"; readonly id: string; readonly why: string }
  | { readonly type: "lock"; readonly by: string; readonly locked: boolean }
  | { readonly type: "admit"; readonly by: string; readonly id: string; readonly admit: boolean }
  | { readonly type: "kick"; readonly by: string; readonly id: string }
  | (PassedSignal & { readonly from: string })

/** What became of an event. `seq`: its number among the changes that everybody is told. */
export type Change =
  | { readonly type: "joined" | "updated"; readonly id: string; readonly seq: number }
  | { readonly type: "left"; readonly id: string; readonly seq: number; readonly why: string }
  | { readonly type: "waiting"; readonly id: string }
  /** Its session is over. */
  | { readonly type: "dismissed"; readonly id: string; readonly code: DismissalCode }

export type DismissalCode = Extract<ErrorCode, "kicked" | "not-admitted" | "room-full">

export interface RoomRules {
  /** Members at one time. */
  readonly participants: number
  /** Who may wait to be let in, at one time. */
  readonly waiting: number
  /** Nobody needs a token that makes a host, so there is always one: else the one longest in the room. */
  readonly open: boolean
}

interface Member extends Participant {
  /** How many had joined before. */
  readonly order: number
}

/** A room as a function of the events so far: whoever applies the same events in the same order holds the same room. */
export class Room {
  /** Number of the last change of who is here and what they publish. */
  seq = 0
  readonly members: Map<string, Member> = new Map()
  readonly #rules: RoomRules
  readonly #waiting = new Map<string, string>()
  #locked = false
  #lobby: Lobby = { locked: false, waiting: [] }
  #joins = 0

  constructor(rules: RoomRules) {
    this.#rules = rules
  }

  /** As hosts see it: the same object until it, or who they are, changes. */
  get lobby(): Lobby {
    return this.#lobby
  }

  /** Where somebody who joins now has their place. */
  placeFor(host: boolean): "member" | "waiting" | "full" {
    if (this.#locked && !host) return this.#waiting.size < this.#rules.waiting ? "waiting" : "full"
    return this.hasRoom ? "member" : "full"
  }

  get hasRoom(): boolean {
    return this.members.size < this.#rules.participants
  }

  isHost(id: string): boolean {
    return this.members.get(id)?.host === true
  }

  /** Applies an event; nothing changes where whom it speaks of is not here, or who does it may not. */
  apply(event: Exclude<RoomEvent, { type: "signal" }>): readonly Change[] {
    switch (event.type) {
      case "join":
        return this.#join(event)
      case "update":
        return this.#update(event)
      case "leave":
        return this.#remove(event.id, event.why)
      case "lock":
        return this.isHost(event.by) ? this.#lock(event.locked) : []
      case "admit":
        return this.isHost(event.by) ? this.#answer(event.id, event.admit) : []
      case "kick": {
        const kicks = this.isHost(event.by) && this.members.has(event.id)
        return kicks
          ? [{ type: "dismissed", id: event.id, code: "kicked" }, ...this.#remove(event.id, "kicked")]
          : []
      }
      default:
        return event satisfies never
    }
  }

  participant(id: string): Participant | undefined {
    const member = this.members.get(id)
    if (member === undefined) return undefined
    const { order: _, ...participant } = member
    return participant
  }

  /** A participant as `viewer` sees them. */
  peer(id: string, viewer: string): Peer | undefined {
    const participant = this.participant(id)
    return participant && { ...participant, role: this.#role(viewer, id) }
  }

  /** Everybody but the viewer, in the order they joined. */
  peers(viewer: string): Peer[] {
    return [...this.members.keys()].filter(id => id !== viewer).map(id => this.peer(id, viewer)!)
  }

  #join({ id, name, host }: Extract<RoomEvent, { type: "join" }>): readonly Change[] {
    if (this.members.has(id) || this.#waiting.has(id)) return []
    const place = this.placeFor(host)
    if (place === "full") return [{ type: "dismissed", id, code: "room-full" }]
    if (place === "member") return [this.#enter(id, name, host)]
    this.#waiting.set(id, name)
    this.#describeLobby()
    return [{ type: "waiting", id }]
  }

  #enter(id: string, name: string, granted: boolean): Change {
    const host = granted || (this.#rules.open && ![...this.members.values()].some(each => each.host))
    this.members.set(id, {
      id,
      name,
      publications: [],
      away: false,
      host,
      hand: null,
      order: this.#joins++,
    })
    return { type: "joined", id, seq: ++this.seq }
  }

  #update(event: Extract<RoomEvent, { type: "update" }>): readonly Change[] {
    const member = this.members.get(event.id)
    if (member === undefined) return []
    const seq = ++this.seq
    const { name = member.name, publications = member.publications, away = member.away } = event
    const raised = event.hand ?? member.hand !== null
    const hand = raised ? (member.hand ?? seq) : null
    this.members.set(member.id, { ...member, name, publications, away, hand })
    return [{ type: "updated", id: member.id, seq }]
  }

  #remove(id: string, why: string): readonly Change[] {
    if (this.#waiting.delete(id)) {
      this.#describeLobby()
      return []
    }
    if (!this.members.delete(id)) return []
    return [{ type: "left", id, seq: ++this.seq, why }, ...this.#succeed()]
  }

  /** Where no token makes a host, the one longest in the room follows the last; without anybody the lock is off. */
  #succeed(): readonly Change[] {
    if (!this.#rules.open || [...this.members.values()].some(({ host }) => host)) return []
    const [next] = this.members.values()
    if (next === undefined) return this.#lock(false)
    this.members.set(next.id, { ...next, host: true })
    this.#describeLobby()
    return [{ type: "updated", id: next.id, seq: ++this.seq }]
  }

  /** Opened, the room lets in all who wait, as far as there is room. */
  #lock(locked: boolean): readonly Change[] {
    this.#locked = locked
    const changes = locked ? [] : [...this.#waiting.keys()].flatMap(id => this.#letIn(id))
    this.#describeLobby()
    return changes
  }

  #answer(id: string, admit: boolean): readonly Change[] {
    if (!this.#waiting.has(id) || (admit && !this.hasRoom)) return []
    const changes = admit ? this.#letIn(id) : this.#turnAway(id, "not-admitted")
    this.#describeLobby()
    return changes
  }

  #letIn(id: string): readonly Change[] {
    if (!this.hasRoom) return this.#turnAway(id, "room-full")
    const name = this.#waiting.get(id)!
    this.#waiting.delete(id)
    return [this.#enter(id, name, false)]
  }

  #turnAway(id: string, code: DismissalCode): readonly Change[] {
    this.#waiting.delete(id)
    return [{ type: "dismissed", id, code }]
  }

  #describeLobby(): void {
    this.#lobby = { locked: this.#locked, waiting: [...this.#waiting].map(([id, name]) => ({ id, name })) }
  }

  /** Who came later yields: it is the one that offers first, so it also knows best what it lost. */
  #role(viewer: string, peer: string): Role {
    return this.members.get(viewer)!.order > this.members.get(peer)!.order ? "polite" : "impolite"
  }
}
