import { createRequire } from "node:module"
import { endianness } from "node:os"

/** Pointers are plain numbers: addresses of a process are below 2^47, and so exact. */
export type Call = (...args: number[]) => number

/** What the running process has: its libc, and the OpenSSL that Node carries. */
export interface Library {
  func(name: string, result: string, parameters: string[]): Call
  addressOf(bytes: Uint8Array): number
  errno(): number
}

/** What of koffi is used here. */
interface Koffi {
  load(path: null): Pick<Library, "func">
  address(bytes: Uint8Array): number | bigint
  errno(): number
}

/** Or why nothing of it can be called. */
export function loadLibrary(): Library | string {
  const { platform, arch } = process
  const isKnown = platform === "linux" && (arch === "x64" || arch === "arm64") && endianness() === "LE"
  if (!isKnown) return `the layout of ${platform} on ${arch} is not known`
  try {
    const koffi = createRequire(import.meta.url)("koffi") as Koffi
    const library = koffi.load(null)
    return {
      func: (name, result, parameters) => library.func(name, result, parameters),
      addressOf: bytes => Number(koffi.address(bytes)),
      errno: () => koffi.errno(),
    }
  } catch (error) {
    return `koffi is not installed or does not load here: ${firstLine(error)}`
  }
}

export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0]!
}
