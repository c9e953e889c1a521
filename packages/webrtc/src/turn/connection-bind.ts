import type { Out } from "../contract/index.ts"
import type { PeerConnection } from "./peer-connection.ts"
import { type Context, type Refusal, type Request, refusal } from "./request.ts"

/**
 * The ConnectionBind method (RFC 6062 §5.4), on a connection of the client's own. `connection` is the one that its
 * CONNECTION-ID names. After the answer there are no messages on it any more.
 */
export function connectionBind(
  context: Context,
  connection: PeerConnection | undefined,
  request: Request,
  now: number,
  out: Out<never>,
): Refusal | undefined {
  const { table, connections, responder } = context
  const { from, to } = request
  if (out.paths.transport(to.client) === "udp") return refusal(400, "ConnectionBind over UDP")
  // §4.3: it is another than the control connection; and each carries one.
  if (table.ofClient(to.client) !== undefined || connections.ofPath(to.client) !== undefined)
    return refusal(400, "ConnectionBind on a connection that has another use")
  // Of another user's nothing is said, not even that it is there.
  if (!connection?.isPending || from.key !== connection.allocation.key)
    return refusal(400, "no pending connection of this user")
  responder.success(to, out)
  connections.bind(connection, to.client, now, out)
  return undefined
}
