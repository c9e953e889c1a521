import type { Loaded } from "../config/index.ts"
import { isUnspecified } from "../listening-address.ts"
import type { RelayCost } from "../relay/index.ts"
import { CommandError } from "./command-error.ts"
import { costTable } from "./cost-table.ts"

/** How long the server may take to answer, in ms. */
const PATIENCE = 10_000

/** What the relay of a running server cost: a table for people, or with `--json` the view itself. Throws `CommandError`. */
export async function relayCost({ config, own }: Loaded): Promise<string> {
  const { address, port } = config.metrics
  const host = isUnspecified(address) ? "127.0.0.1" : address
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/relay/cost`
  const cost = await read(url)
  return own.has("json") ? JSON.stringify(cost) : costTable(cost)
}

async function read(url: string): Promise<RelayCost> {
  let answer: unknown
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: "error" })
    answer = await response.json()
  } catch (error) {
    throw new CommandError(
      `No Tightbeam answers at ${url}`,
      [
        "The server must run with --metrics.enabled, or TIGHTBEAM__METRICS__ENABLED=true, or metrics.enabled in tightbeam.yaml",
        "Where it listens elsewhere, say so: --metrics.address, --metrics.port",
      ],
      { cause: error },
    )
  }
  const { view, message, hint } = (answer ?? {}) as Record<string, unknown>
  if (view === "relay.cost") return answer as RelayCost
  if (typeof message === "string" && typeof hint === "string")
    throw new CommandError(`${message} ${hint}`, [])
  throw new CommandError(`What answers at ${url} is no Tightbeam`, ["Another port: --metrics.port"])
}
