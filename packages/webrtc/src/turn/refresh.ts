import type { Out } from "../contract/index.ts"
import { Attribute } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import {
  type Context,
  desiredLifetime,
  type Refusal,
  type Request,
  refusal,
  requestedFamily,
} from "./request.ts"

/** The Refresh method (RFC 8656 §8.2). `free` is called for a lifetime of zero, after the answer. */
export function refresh(
  context: Context,
  allocation: Allocation,
  request: Request,
  now: number,
  out: Out<never>,
  free: (allocation: Allocation) => void,
): Refusal | undefined {
  const { message, to } = request
  const family = requestedFamily(message)
  if (family === undefined || (family !== 0 && family !== allocation.family)) {
    return refusal(443, "the allocation is of another address family")
  }
  const lifetime = desiredLifetime(message, context.limits)
  if (lifetime === undefined) return refusal(400, "unreadable LIFETIME")
  const isFarewell = message.uint32(Attribute.lifetime) === 0
  context.responder.success(to, out, writer => writer.uint32(Attribute.lifetime, isFarewell ? 0 : lifetime))
  if (isFarewell) free(allocation)
  else context.table.refresh(allocation, lifetime, now)
  return undefined
}
