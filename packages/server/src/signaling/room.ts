import type { Participant, Peer, Publication, Role, Signal } from "@tightbeam/client"

/** What happens in a room, in the one order that its bus gives to everybody. */
export type RoomEvent =
  | { readonly type: "join"; readonly id: string; readonly name: string }
  | {
      readonly type: "update"
      readonly id: string
      readonly name?: string
      readonly publications?: readonly Publication[]
      readonly away?: boolean
    }
  | { readonly type: "leave"; readonly id: string; readonly why: string }
  | {
      readonly type: "signal"
      readonly from: string
      readonly to: string
      readonly generation: number
      readonly signal: Signal
    }

interface Member {
  readonly id: string
  readonly name: string
  readonly publications: readonly Publication[]
  readonly away: boolean
  /** How many had joined before. */
  readonly order: number
}

/** A room as a function of the events so far: whoever applies the same events in the same order holds the same room. */
export class Room {
  readonly name: string
  /** Number of the last change of who is here and what they publish. */
  seq = 0
  readonly members: Map<string, Member> = new Map()
  #joins = 0

  constructor(name: string) {
    this.name = name
  }

  /** Applies an event; false when it changes nothing, because whom it speaks of is not here. */
  apply(event: Exclude<RoomEvent, { type: "signal" }>): boolean {
    const member = this.members.get(event.id)
    if (event.type === "join") {
      if (member !== undefined) return false
      const { id, name } = event
      this.members.set(id, { id, name, publications: [], away: false, order: this.#joins++ })
    } else if (member === undefined) {
      return false
    } else if (event.type === "leave") {
      this.members.delete(event.id)
    } else {
      const { name = member.name, publications = member.publications, away = member.away } = event
      this.members.set(member.id, { ...member, name, publications, away })
    }
    this.seq++
    return true
  }

  participant(id: string): Participant | undefined {
    const member = this.members.get(id)
    return member && { id, name: member.name, publications: member.publications, away: member.away }
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

  /** Who came later yields: it is the one that offers first, so it also knows best what it lost. */
  #role(viewer: string, peer: string): Role {
    return this.members.get(viewer)!.order > this.members.get(peer)!.order ? "polite" : "impolite"
  }
}
