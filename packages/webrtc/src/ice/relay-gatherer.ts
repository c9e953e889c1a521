import { type Address, formatAddress, formatIp } from "../bytes/index.ts"
import { type Datagram, NO_PATH, type Path } from "../contract/index.ts"
import { turnFraming } from "../turn/index.ts"
import type { IceOut } from "./events.ts"
import { at, type Gathering, type Interface, isSameFamily, TRANSACTION, whyOf } from "./gathering.ts"
import { RelayedBase, type TurnServer } from "./relayed-base.ts"

/** Told where a TURN server sees us, over UDP. */
type OnMapped = (of: Interface, mapped: Address, server: Address, now: number, out: IceOut) => void

interface Relay {
  readonly of: Interface
  readonly base: RelayedBase
}

/** Gathers relayed candidates (RFC 8445 §5.1.1.2): an allocation at each TURN server from each of our addresses. */
export class RelayGatherer {
  readonly #gathering: Gathering
  readonly #onMapped: OnMapped
  readonly #relays: Relay[] = []

  constructor(gathering: Gathering, onMapped: OnMapped) {
    this.#gathering = gathering
    this.#onMapped = onMapped
  }

  /** Allocations that stand. */
  get bases(): readonly RelayedBase[] {
    return this.#relays.filter(({ base }) => base.isAllocated).map(({ base }) => base)
  }

  get isGathering(): boolean {
    return this.#relays.some(({ base }) => !base.isAllocated)
  }

  /** Whether there is an allocation at this server, from this address. */
  has(of: Interface, server: TurnServer): boolean {
    return this.#relays.some(
      relay => relay.of === of && relay.base.server === server && relay.base.isAllocated,
    )
  }

  allocate(of: Interface, server: TurnServer, now: number, out: IceOut): void {
    const isUnderWay = this.#relays.some(
      ({ of: other, base }) => other === of && base.server === server && !base.isAllocated,
    )
    if (isUnderWay || of.base === undefined) return
    const { options, listener } = this.#gathering
    // Nobody else has our socket: where no allocation of ours stands, one that the server has is of an answer that was lost.
    const mismatch = this.has(of, server) || server.transport !== "udp" ? "strange" : "forgotten"
    const settings = { ...TRANSACTION, crypto: options.crypto, mismatch } as const
    const base = new RelayedBase(server, of.base, settings, listener.data)
    const relay = { of, base }
    this.#contest(relay, true)
    this.#relays.push(relay)
    this.#reach(relay, server.server, now, out)
  }

  /** Whether a server is behind the path, and so heard it. */
  receive(d: Datagram, now: number, out: IceOut): boolean {
    let isServers = false
    // An allocation that is to take the place of another one is on the same path.
    for (const { base } of this.#relays) {
      if (base.path !== d.path) continue
      isServers = true
      base.receive(d, now, out)
    }
    return isServers
  }

  tick(now: number, out: IceOut): void {
    for (const { base } of this.#relays) if (now >= base.nextTick) base.tick(now, out)
  }

  get nextTick(): number {
    let next = Infinity
    for (const { base } of this.#relays) next = Math.min(next, base.nextTick)
    return next
  }

  /** The stream behind a path ended. */
  closed(path: Path, now: number, out: IceOut): void {
    for (const { base } of this.#relays) if (base.path === path) base.lost(now, out)
  }

  /** The address is gone, and so is what was allocated from it. */
  leave(of: Interface, now: number, out: IceOut): void {
    for (const relay of this.#relays.filter(relay => relay.of === of)) this.#drop(relay, now, out)
  }

  /** Gives the allocations back, by one request that nobody waits for. */
  close(now: number, out: IceOut): void {
    for (const { base } of this.#relays) base.close(now, out)
  }

  /** Does what the clients told, after each turn of theirs. */
  settle(now: number, out: IceOut): void {
    for (const relay of this.#relays.slice())
      for (const event of relay.base.takeEvents()) {
        if (event.type === "allocated") this.#allocated(relay, event.relayed[0]!, event.mapped, now, out)
        else if (event.type === "failed") this.#refused(relay, event.failure, now, out)
        else if (event.type === "try-alternate") this.#redirected(relay, event.server, now, out)
        else if (event.type === "lost") {
          this.#forget(relay, now, out)
          // Another allocation is asked for already where it says so.
          if (!event.isRenewed) this.#refused(relay, event.failure, now, out)
        }
      }
  }

  /** Asks for an allocation at `server`, over the transport that this relay is for. */
  #reach(relay: Relay, server: Address, now: number, out: IceOut): void {
    const { of, base } = relay
    const { transport, serverName } = base.server
    if (transport === "udp") return this.#ask(relay, base.from.open(server, out), now, out)
    const id = this.#gathering.expect(of, (reply, now, out) => {
      if (reply.type === "connected") this.#ask(relay, reply.path, now, out)
      else this.#refused(relay, { reason: whyOf(reply) }, now, out)
    })
    out.ask({
      type: "connect",
      id,
      remote: server,
      transport,
      ...(serverName === undefined ? {} : { serverName }),
      // RFC 7443 §3.
      ...(transport === "tls" ? { protocols: ["stun.turn"] } : {}),
      framing: turnFraming,
      ...at(of),
    })
  }

  #ask(relay: Relay, path: Path, now: number, out: IceOut): void {
    if (path === NO_PATH) this.#refused(relay, { reason: "no path is left" }, now, out)
    else relay.base.allocate(path, now, out)
  }

  #allocated(relay: Relay, relayed: Address, mapped: Address, now: number, out: IceOut): void {
    const { of, base } = relay
    const { server, rank } = base
    // A server has one allocation of a 5-tuple: if there is a new one it knows nothing of the old. What data goes over on
    // another stream stays until it fails by itself.
    for (const old of this.#relays.filter(({ base }) => base.isAllocated)) {
      const isOutdone =
        old.of === of && old.base.server === server && !this.#gathering.listener.isInUse(old.base)
      if (old.base.path === base.path || isOutdone) this.#drop(old, now, out)
    }
    const { transport } = server
    const foundation = `${formatIp(of.ip)} ${formatAddress(server.server)} ${transport}`
    const preference = { type: "relay", rank, relayTransport: transport } as const
    base.candidate = this.#gathering.candidate(preference, relayed, foundation, mapped)
    this.#gathering.listener.added(base, now, out)
    if (transport === "udp") this.#onMapped(of, mapped, server.server, now, out)
  }

  #refused(
    relay: Relay,
    { reason, code }: { readonly reason: string; readonly code?: number },
    now: number,
    out: IceOut,
  ): void {
    this.#drop(relay, now, out)
    const { from, server } = relay.base
    this.#gathering.failed(formatAddress(from.candidate.address), reason, out, server, code)
  }

  /** RFC 8489 §10. */
  #redirected(relay: Relay, server: Address, now: number, out: IceOut): void {
    relay.base.hangUp(out)
    if (isSameFamily(relay.of.ip, server)) this.#reach(relay, server, now, out)
    else this.#refused(relay, { reason: "sent to a server that is out of reach" }, now, out)
  }

  #drop(relay: Relay, now: number, out: IceOut): void {
    const at = this.#relays.indexOf(relay)
    if (at < 0) return
    this.#forget(relay, now, out)
    relay.base.cut(now, out)
    this.#relays.splice(at, 1)
    this.#contest(relay, false)
  }

  /** Over UDP a server knows one allocation for each of our sockets, whoever asked for it. */
  #contest({ of, base: { server } }: Relay, isContested: boolean): void {
    if (server.transport !== "udp") return
    for (const { of: other, base } of this.#relays)
      if (other === of && base.server === server && base.isAllocated) base.isContested = isContested
  }

  /** What it had is no more. */
  #forget({ base }: Relay, now: number, out: IceOut): void {
    if (base.isAllocated) this.#gathering.listener.removed(base, now, out)
    base.forget()
  }
}
