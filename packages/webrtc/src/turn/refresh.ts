import type { Out } from "../contract/index.ts"
import { Attribute } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { Move } from "./move.ts"
import { type Context, desiredLifetime, familyIn, type Refusal, type Request, refusal } from "./request.ts"

/**
 * The Refresh method (RFC 8656 §8.2); with a `move`, which is to the request's client, it also expects the client there
 * (RFC 8016 §3.2.2). `free` is called for a lifetime of zero, after the answer.
 */
export function refresh(
  context: Context,
  allocation: Allocation,
  request: Request,
  move: Exclude<Move, Refusal> | undefined,
  now: number,
  out: Out<never>,
  free: (allocation: Allocation) => void,
): Refusal | undefined {
  const { message, to } = request
  // RFC 8656 §8.1: of a dual allocation the one that is named, or both.
  const family = familyIn(message, Attribute.requestedAddressFamily)
  const named = allocation.both.filter(each => family === 0 || each.family === family)
  if (named.length === 0) return refusal(443, "the allocation is of another address family")
  const lifetime = desiredLifetime(message, context.limits)
  if (lifetime === undefined) return refusal(400, "unreadable LIFETIME")
  const isFarewell = message.uint32(Attribute.lifetime) === 0
  if (move?.isRepeated === false && !isFarewell) context.table.expectMove(allocation, to.client, out)
  const ticket = move && !isFarewell && context.tickets?.seal(allocation.mobility!)
  context.responder.success(to, out, writer => {
    writer.uint32(Attribute.lifetime, isFarewell ? 0 : lifetime)
    if (ticket) writer.attribute(Attribute.mobilityTicket, ticket)
  })
  for (const each of named) {
    if (isFarewell) free(each)
    else context.table.refresh(each, lifetime, now)
  }
  return undefined
}
