import { getSystemErrorName } from "node:util"
import { type Call, firstLine, loadLibrary } from "./koffi.ts"

/** The system calls that this folder makes. Each returns -1 where `errno` says why. */
export interface Libc {
  /** Where the first byte lies. Whoever keeps the number keeps the array too: nothing else keeps it alive. */
  addressOf(bytes: Uint8Array): number
  errno(): number
  readonly socket: Call
  readonly bind: Call
  readonly getsockname: Call
  readonly getsockopt: Call
  readonly setsockopt: Call
  readonly close: Call
  readonly poll: Call
  readonly epoll_create1: Call
  readonly epoll_ctl: Call
  readonly epoll_wait: Call
  readonly eventfd: Call
  readonly read: Call
  readonly write: Call
  readonly recvmmsg: Call
  readonly sendmmsg: Call
  readonly sendto: Call
}

/** The running process's own libc, or why it cannot be called. */
export function loadLibc(): Libc | string {
  const library = loadLibrary()
  if (typeof library === "string") return library
  try {
    const call = (name: string, parameters: string[]): Call => library.func(name, "int", parameters)
    return {
      addressOf: bytes => library.addressOf(bytes),
      errno: () => library.errno(),
      socket: call("socket", ["int", "int", "int"]),
      bind: call("bind", ["int", "uint64", "uint32"]),
      getsockname: call("getsockname", ["int", "uint64", "uint64"]),
      getsockopt: call("getsockopt", ["int", "int", "int", "uint64", "uint64"]),
      setsockopt: call("setsockopt", ["int", "int", "int", "uint64", "uint32"]),
      close: call("close", ["int"]),
      poll: call("poll", ["uint64", "uint64", "int"]),
      epoll_create1: call("epoll_create1", ["int"]),
      epoll_ctl: call("epoll_ctl", ["int", "int", "int", "uint64"]),
      epoll_wait: call("epoll_wait", ["int", "uint64", "int", "int"]),
      eventfd: call("eventfd", ["uint32", "int"]),
      read: call("read", ["int", "uint64", "uint64"]),
      write: call("write", ["int", "uint64", "uint64"]),
      recvmmsg: call("recvmmsg", ["int", "uint64", "uint32", "int", "uint64"]),
      sendto: call("sendto", ["int", "uint64", "uint64", "int", "uint64", "uint32"]),
      sendmmsg: call("sendmmsg", ["int", "uint64", "uint32", "int"]),
    }
  } catch (error) {
    return `libc does not have what is needed: ${firstLine(error)}`
  }
}

/** The system's word for an error: `EADDRINUSE`. */
export function errorName(errno: number): string {
  return getSystemErrorName(-errno)
}

/** The result of a call without which nothing can go on: throws an Error with the system's word where it failed. */
export function demand(libc: Libc, call: string, result: number): number {
  if (result === -1) throw new Error(`${call}: ${errorName(libc.errno())}`)
  return result
}
