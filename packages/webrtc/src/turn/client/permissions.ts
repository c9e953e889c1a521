import { equalBytes } from "../../bytes/index.ts"

/** RFC 8656 §9: "The Permission Lifetime MUST be 300 seconds". In ms. */
const PERMISSION_LIFETIME = 300_000

/** When it is asked for again, in ms: there is a minute left for the request to get through. */
export const PERMISSION_REFRESH = 240_000

/** A peer's IP address that may send to us, as far as we know (RFC 8656 §9). */
export class Permission {
  readonly ip: Uint8Array
  /** When the next CreatePermission is to be sent, in ms; Infinity while one is under way. */
  dueAt: number
  /** In ms; until then the server has it. */
  expiresAt: number = -Infinity
  /** Whether it is asked for in a request of its own: one of several was refused, and it is to be known which. */
  isAlone = false

  constructor(ip: Uint8Array, now: number) {
    this.ip = ip
    this.dueAt = now
  }

  isLive(now: number): boolean {
    return now < this.expiresAt
  }

  /** A request that was first sent at `startedAt` succeeded: the server counts from then, or from later. */
  installed(startedAt: number): void {
    this.expiresAt = startedAt + PERMISSION_LIFETIME
    this.dueAt = startedAt + PERMISSION_REFRESH
  }

  askAlone(now: number): void {
    this.isAlone = true
    this.dueAt = now
  }

  /** The server knows nothing of it any more. */
  reset(now: number): void {
    this.expiresAt = -Infinity
    this.dueAt = now
  }
}

/** What the owner wants permissions for. */
export class Permissions {
  readonly #capacity: number
  readonly #permissions: Permission[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get all(): readonly Permission[] {
    return this.#permissions
  }

  get isFull(): boolean {
    return this.#permissions.length === this.#capacity
  }

  of(ip: Uint8Array): Permission | undefined {
    // By index, for the packet path: an iterator would be an object for each packet.
    for (let i = 0; i < this.#permissions.length; i++) {
      if (equalBytes(this.#permissions[i]!.ip, ip)) return this.#permissions[i]
    }
    return undefined
  }

  add(ip: Uint8Array, now: number): void {
    this.#permissions.push(new Permission(ip.slice(), now))
  }

  remove(permission: Permission): void {
    const at = this.#permissions.indexOf(permission)
    if (at >= 0) this.#permissions.splice(at, 1)
  }

  clear(): void {
    this.#permissions.length = 0
  }

  /** Up to `most` that are due, to be asked for in one request; one that is to be alone is. */
  takeDue(now: number, most: number): Permission[] {
    const taken: Permission[] = []
    for (const permission of this.#permissions) {
      if (permission.dueAt > now || (permission.isAlone && taken.length > 0)) continue
      taken.push(permission)
      permission.dueAt = Infinity
      if (permission.isAlone || taken.length === most) break
    }
    return taken
  }

  get nextDue(): number {
    let next = Infinity
    for (const { dueAt } of this.#permissions) next = Math.min(next, dueAt)
    return next
  }
}
