import type { Datagram, Machine, Out, Path, Reply } from "@tightbeam/webrtc/contract"

/** Stands in for a machine that can only be made once its sockets are bound. Until then it hears nothing. */
export class LateMachine<Event> implements Machine<Event> {
  machine: Machine<Event> | undefined

  receive(d: Datagram, now: number, out: Out<Event>): void {
    this.machine?.receive(d, now, out)
  }

  reply(answer: Reply, now: number, out: Out<Event>): void {
    this.machine?.reply(answer, now, out)
  }

  tick(now: number, out: Out<Event>): void {
    this.machine?.tick(now, out)
  }

  closed(path: Path, now: number, out: Out<Event>): void {
    this.machine?.closed?.(path, now, out)
  }

  get nextTick(): number {
    return this.machine?.nextTick ?? Infinity
  }
}
