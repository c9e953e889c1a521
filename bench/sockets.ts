import { UdpSockets } from "../packages/webrtc/src/native/index.ts"

/** Where all servers listen. */
export const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

/** The load generators' own: where there is no batched UDP they would be slower than what they measure. */
export function loadSockets(): UdpSockets {
  const sockets = UdpSockets.load()
  if (typeof sockets === "string") throw new Error(`The load generator needs the batched sockets: ${sockets}`)
  return sockets
}

let clients = 0

/**
 * Of 127.1.0.0/16, for a client and its peer. Another one each time: a server may still know who had an address and
 * port before.
 */
export function nextClientIp(): Uint8Array {
  const number = clients++
  return Uint8Array.of(127, 1, (number >> 8) & 0xff, number & 0xff)
}

/** A socket at an address of the loopback, with buffers of so many bytes. */
export function openAt(sockets: UdpSockets, ip: Uint8Array, buffers: number): { fd: number; port: number } {
  const options = { dualStack: false, receiveBuffer: buffers, sendBuffer: buffers }
  const opened = sockets.open({ ip, port: 0 }, options)
  if ("code" in opened) throw new Error(`A socket of the load generator: ${opened.code}`)
  return { fd: opened.fd, port: opened.local.port }
}
