import { createSocket, type Socket as UdpSocket } from "node:dgram"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { setTimeout as pass } from "node:timers/promises"
import { TurnClient } from "../packages/server/src/relay/testing/turn-client.ts"
import type { Child } from "./child.ts"

/** The channel that every client binds to its peer. */
export const CHANNEL = 0x4000

/** How long a server may take until it listens, or to answer, ms. */
const PATIENCE = 10_000

/** What is measured: at 127.0.0.1 it relays ChannelData between clients and their peers. */
export interface Target {
  readonly name: string
  readonly pid: number
  /** Where clients send to. */
  readonly port: number
  /** An allocation for a client's socket, with a channel to its peer. */
  allocate(socket: UdpSocket, peer: Peer): Promise<Allocation>
  stop(): Promise<void>
}

interface Peer {
  /** The client's too. */
  readonly ip: string
  readonly port: number
}

export interface Allocation {
  /** The relayed port. */
  readonly relayed: number
  free(): Promise<void>
}

export interface User {
  readonly username: string
  readonly password: string
}

/** A server that speaks TURN. */
export interface TurnTarget extends Target {
  /** Clients take turns to be one of them. */
  readonly users: readonly User[]
}

export function turnTarget(name: string, child: Child, port: number, users: readonly User[]): TurnTarget {
  let clients = 0
  return {
    name,
    pid: child.pid,
    port,
    users,
    async allocate(socket, peer) {
      const { username, password } = users[clients++ % users.length]!
      const client = TurnClient.on(socket, port, username, password)
      const relayed = await answered(client.allocate(), name)
      if (relayed === 0) throw new Error(`${name} refused an allocation.`)
      const code = await answered(client.permit(peer.ip, peer.port, CHANNEL), name)
      if (code !== 0) throw new Error(`${name} refused a channel: ${code}.`)
      return {
        relayed,
        async free() {
          await answered(client.refresh(0), name)
        },
      }
    },
    stop: () => child.stop(),
  }
}

/** Nothing is lost on a loopback, so nothing is sent again. */
export async function answered<T>(answer: Promise<T>, name: string): Promise<T> {
  const timer = new AbortController()
  const late = pass(PATIENCE, undefined, timer).then(() => {
    throw new Error(`${name} does not answer.`)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    timer.abort()
  }
}

/** Free for TCP as well as UDP: coturn listens for both. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const socket = createSocket("udp4").bind(port, "127.0.0.1")
  try {
    await once(socket, "listening")
    return port
  } catch {
    return freePort()
  } finally {
    socket.close()
    server.close()
  }
}

/** Asks until a server answers a Binding request: it is up. */
export async function answersBinding(child: Child, port: number): Promise<void> {
  const socket = createSocket("udp4")
  const request = Buffer.from("000100002112a442000000000000000000000000", "hex")
  const asking = setInterval(() => socket.send(request, port, "127.0.0.1"), 50)
  try {
    await Promise.race([once(socket, "message", { signal: AbortSignal.timeout(PATIENCE) }), child.ended()])
  } finally {
    clearInterval(asking)
    socket.close()
  }
}
