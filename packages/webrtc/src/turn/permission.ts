import { equalBytes } from "../bytes/index.ts"

/** RFC 8656 §9: "The Permission Lifetime MUST be 300 seconds". In ms. */
export const PERMISSION_LIFETIME = 300_000

/** Lets every port of one IP address send to the client (RFC 8656 §9). */
export class Permission {
  readonly ip: Uint8Array
  /** In ms, on the machine's clock. */
  expiresAt: number

  constructor(ip: Uint8Array, expiresAt: number) {
    this.ip = ip
    this.expiresAt = expiresAt
  }

  isLive(now: number): boolean {
    return now < this.expiresAt
  }
}

/** The live permission for an address among those of one allocation: few enough to look at each. */
export function findPermission(
  permissions: readonly Permission[],
  ip: Uint8Array,
  now: number,
): Permission | undefined {
  for (const permission of permissions) {
    if (permission.isLive(now) && equalBytes(permission.ip, ip)) return permission
  }
  return undefined
}
