import type { Address } from "../bytes/index.ts"
import {
  BorrowedOut,
  type Datagram,
  Deadlines,
  type Due,
  type Machine,
  type Out,
  type Path,
  type Paths,
  type Socket,
} from "../contract/index.ts"
import { MessageClass, Method, StunMessage } from "../stun/index.ts"
import { localUfragOf } from "./connectivity-check.ts"
import type { Ufrags } from "./credentials.ts"

/** What can share a port: an agent, or what has one. */
export interface Sharing<Event> extends Machine<Event> {
  close(now: number, out: Out<Event>): void
}

export type SharedPortEvent<Event, Member> = { readonly member: Member; readonly event: Event }

/**
 * Many agents on the sockets of one owner, as a server has them: a check finds its agent by the ufrag that it names, and
 * what follows on that path goes the same way. Agents on it ask no servers and bind nothing.
 */
export class SharedPort<Event, Member extends Sharing<Event>>
  implements Machine<SharedPortEvent<Event, Member>>
{
  readonly #sharers = new Map<Member, Sharer<Event, Member>>()
  readonly #byUfrag = new Map<string, Sharer<Event, Member>>()
  readonly #byPath = new Map<Path, Sharer<Event, Member>>()
  readonly #deadlines = new Deadlines<Sharer<Event, Member>>()
  readonly #message = new StunMessage()

  /**
   * A new member, which `make` is to give its ufrags to. `begin` may give it its first commands, such as which of the
   * owner's sockets it is reached on; later ones go through `command`.
   */
  add(
    make: (ufrags: Ufrags) => Member,
    begin: (member: Member, out: Out<Event>) => void,
    out: Out<SharedPortEvent<Event, Member>>,
  ): Member {
    const sharer = new Sharer(make, this.#byUfrag, this.#byPath)
    const { member } = sharer
    this.#sharers.set(member, sharer)
    begin(member, sharer.out.through(out))
    this.#schedule(sharer)
    return member
  }

  /** Gives a member a command. */
  command<T>(member: Member, give: (out: Out<Event>) => T, out: Out<SharedPortEvent<Event, Member>>): T {
    const sharer = this.#sharerOf(member)
    const result = give(sharer.out.through(out))
    this.#schedule(sharer)
    return result
  }

  /** Closes a member. */
  remove(member: Member, now: number, out: Out<SharedPortEvent<Event, Member>>): void {
    const sharer = this.#sharerOf(member)
    member.close(now, sharer.out.through(out))
    this.#deadlines.remove(sharer)
    this.#sharers.delete(member)
  }

  get size(): number {
    return this.#sharers.size
  }

  receive(d: Datagram, now: number, out: Out<SharedPortEvent<Event, Member>>): void {
    const named = this.#named(d)
    // Where several have the path, it is for who was named last: the others' other end may be gone.
    if (named?.out.paths.has(d.path) === true) this.#byPath.set(d.path, named)
    const sharer = named ?? this.#byPath.get(d.path)
    if (sharer === undefined) return
    sharer.member.receive(d, now, sharer.out.through(out))
    this.#schedule(sharer)
  }

  reply(): void {
    // Its members ask for nothing.
  }

  tick(now: number, out: Out<SharedPortEvent<Event, Member>>): void {
    for (let sharer = this.#deadlines.take(now); sharer !== undefined; sharer = this.#deadlines.take(now)) {
      sharer.member.tick(now, sharer.out.through(out))
      this.#schedule(sharer)
      // One that is due at once again waits its turn.
      if (sharer.member.nextTick <= now) return
    }
  }

  get nextTick(): number {
    return this.#deadlines.next
  }

  /** Whose ufrag a check names: a client may come from anywhere. */
  #named(d: Datagram): Sharer<Event, Member> | undefined {
    if (d.length === 0 || d.bytes[d.offset]! > 3) return undefined
    const message = this.#message
    if (message.parse(d.bytes, d.offset, d.length) !== undefined) return undefined
    if (message.method !== Method.binding || message.class !== MessageClass.request) return undefined
    const ufrag = localUfragOf(message)
    return ufrag === undefined ? undefined : this.#byUfrag.get(ufrag)
  }

  #schedule(sharer: Sharer<Event, Member>): void {
    const { nextTick } = sharer.member
    if (nextTick === Infinity) this.#deadlines.remove(sharer)
    else if (sharer.place < 0 || sharer.due !== nextTick) this.#deadlines.set(sharer, nextTick)
  }

  #sharerOf(member: Member): Sharer<Event, Member> {
    const sharer = this.#sharers.get(member)
    if (sharer === undefined) throw new Error("member: it is not on this port")
    return sharer
  }
}

/** A member on the port, with the paths that are its own for as long as it holds them. */
class Sharer<Event, Member extends Sharing<Event>> implements Due {
  due = Infinity
  place = -1
  readonly member: Member
  readonly out: SharerOut<Event, Member>

  constructor(
    make: (ufrags: Ufrags) => Member,
    byUfrag: Map<string, Sharer<Event, Member>>,
    byPath: Map<Path, Sharer<Event, Member>>,
  ) {
    this.member = make({
      add: ufrag => void byUfrag.set(ufrag, this),
      delete: ufrag => void byUfrag.delete(ufrag),
    })
    this.out = new SharerOut(this.member, new OwnPaths(this, byPath))
  }
}

class SharerOut<Event, Member> extends BorrowedOut<Event, SharedPortEvent<Event, Member>> {
  readonly #member: Member
  readonly #paths: OwnPaths<unknown>

  constructor(member: Member, paths: OwnPaths<unknown>) {
    super()
    this.#member = member
    this.#paths = paths
  }

  override through(out: Out<SharedPortEvent<Event, Member>>): this {
    this.#paths.paths = out.paths
    return super.through(out)
  }

  override get paths(): OwnPaths<unknown> {
    return this.#paths
  }

  tell(event: Event): void {
    this.ours.tell({ member: this.#member, event })
  }
}

/** What a member holds is its own: what comes there is for it. */
class OwnPaths<Owner> implements Paths {
  paths!: Paths
  readonly #owner: Owner
  readonly #byPath: Map<Path, Owner>
  readonly #holds = new Map<Path, number>()

  constructor(owner: Owner, byPath: Map<Path, Owner>) {
    this.#owner = owner
    this.#byPath = byPath
  }

  open(socket: Socket, remote: Address): Path {
    return this.paths.open(socket, remote)
  }

  hold(path: Path): void {
    this.paths.hold(path)
    this.#holds.set(path, (this.#holds.get(path) ?? 0) + 1)
    this.#byPath.set(path, this.#owner)
  }

  release(path: Path): void {
    this.paths.release(path)
    const holds = (this.#holds.get(path) ?? 0) - 1
    if (holds > 0) this.#holds.set(path, holds)
    else {
      this.#holds.delete(path)
      if (this.#byPath.get(path) === this.#owner) this.#byPath.delete(path)
    }
  }

  has(path: Path): boolean {
    return this.#holds.has(path)
  }

  socket(path: Path): Socket {
    return this.paths.socket(path)
  }

  remote(path: Path): Address {
    return this.paths.remote(path)
  }

  transport(path: Path): ReturnType<Paths["transport"]> {
    return this.paths.transport(path)
  }
}
