import type { Path } from "../contract/index.ts"
import { Attribute, type StunMessage } from "../stun/index.ts"
import type { Allocation } from "./allocation.ts"
import type { AllocationTable } from "./allocation-table.ts"
import type { Tickets } from "./mobility.ts"
import { type Refusal, refusal } from "./request.ts"

/** What a Refresh with a MOBILITY-TICKET is about, as far as its integrity was not looked at yet. */
export type Move = { readonly allocation: Allocation; readonly isRepeated: boolean } | Refusal

/**
 * Reads a Refresh that comes with a MOBILITY-TICKET (RFC 8016 §3.2.2): whose allocation it moves to `client`, or why it
 * does not. Nothing is changed.
 */
export function moveOf(
  message: StunMessage,
  client: Path,
  table: AllocationTable,
  tickets: Tickets | undefined,
): Move {
  if (tickets === undefined) return refusal(405, "mobility is off")
  const ticket = tickets.open(message.value(Attribute.mobilityTicket)!)
  if (ticket === undefined) return refusal(400, "no MOBILITY-TICKET of ours")
  const allocation = table.ofTicket(ticket.handle)
  const mobility = allocation?.mobility
  if (allocation === undefined || mobility === undefined || !allocation.isOpen)
    return refusal(437, "no allocation")
  // The one before is good for retransmissions alone: from where it was already used.
  if (mobility.movedTo === client && ticket.sequence === mobility.sequence - 1)
    return { allocation, isRepeated: true }
  if (ticket.sequence !== mobility.sequence) return refusal(400, "a MOBILITY-TICKET that was used")
  const there = table.ofClient(client)
  if (there === allocation) return refusal(400, "the client has not moved")
  if (there !== undefined) return refusal(437, "the client has another allocation")
  return { allocation, isRepeated: false }
}
