import { equalBytes } from "../bytes/index.ts"
import type { Allocation, PeerProtocol } from "./allocation.ts"
import { PortPool } from "./port-pool.ts"

/** The relayed transport addresses of one family: one IP address, a range of ports, and whose each is. */
export class RelayAddresses {
  readonly ip: Uint8Array
  readonly ports: PortPool
  readonly #holders: (Allocation | undefined)[] = []

  /** `ports`: what all servers of this process know of the ports of this family. */
  constructor(ip: Uint8Array, min: number, max: number, ports: Uint8Array) {
    this.ip = ip
    this.ports = new PortPool(min, max, ports)
    for (let i = 0; i < this.ports.total; i++) this.#holders.push(undefined)
  }

  get family(): 4 | 6 {
    return this.ip.length === 4 ? 4 : 6
  }

  /** Whether it is one of these addresses, relayed from now or not. */
  contains(ip: Uint8Array, port: number): boolean {
    return this.ports.contains(port) && equalBytes(ip, this.ip)
  }

  /** Who is relayed from an address now. Looked up each time: the port may be another's by the next packet. */
  holder(ip: Uint8Array, port: number, protocol: PeerProtocol): Allocation | undefined {
    const holder = this.contains(ip, port) ? this.#holders[port - this.ports.first] : undefined
    return holder?.protocol === protocol ? holder : undefined
  }

  /** Whether somebody is relayed over UDP from an address now, by this server or by another of this process. */
  isLive(ip: Uint8Array, port: number): boolean {
    return this.ports.isLive(port) && equalBytes(ip, this.ip)
  }

  give(port: number, holder: Allocation): void {
    if (holder.protocol === "udp") this.ports.enliven(port)
    this.#holders[port - this.ports.first] = holder
  }

  /** Nobody is relayed from the port any more; it is free again. */
  takeBack(port: number): void {
    this.#holders[port - this.ports.first] = undefined
    this.ports.release(port)
  }
}
