import { parseConfig } from "../packages/server/src/config/schema.ts"
import { createLog } from "../packages/server/src/log/index.ts"
import { Relay } from "../packages/server/src/relay/index.ts"
import type { Check, Found } from "./check.ts"
import { Coturn, coturnVersion } from "./coturn.ts"
import { type Ran, run } from "./tool.ts"

const FIRST = "127.0.0.1"
const SECOND = "127.0.0.2"
/** How long one test may take, ms. */
const PATIENCE = 20_000

/** What `turnutils_natdiscovery` is asked, and what it must say of a path without a NAT. */
const TESTS: readonly (readonly [what: string, flags: readonly string[], says: readonly RegExp[]])[] = [
  ["mapping", ["-m"], [/NAT with Endpoint Independent Mapping!/]],
  ["filtering", ["-f"], [/NAT with Endpoint Independent Filtering!/]],
  ["mapping, with padding", ["-m", "-P"], [/NAT with Endpoint Independent Mapping!/]],
  ["filtering, with padding", ["-f", "-P"], [/NAT with Endpoint Independent Filtering!/]],
  ["hairpinning", ["-H"], [/maybe a successful hairpinning/]],
  ["mapping lifetime, by RESPONSE-PORT", ["-t", "-T", "1"], [/RFC 5780 response 2/]],
]

/** The NAT behaviour discovery (RFC 5780) of coturn's client, with coturn and with us, on two addresses of loopback. */
export async function natDiscovery(): Promise<Found> {
  const version = coturnVersion()
  if (version === undefined) return { missing: "coturn is not installed (Debian: apt-get install coturn)" }
  const theirs = await tryAll(await Coturn.start("-L", SECOND))
  const ours = await tryAll(await startRelay())
  const checks = TESTS.map(([what], i): Check => {
    const why = ours[i]
    const row = { suite: "nat-discovery", peer: `turnutils_natdiscovery ${version}`, case: "udp", what }
    const reference = theirs[i] === undefined
    return { ...row, passed: why === undefined, reference, ...(why !== undefined && { why }) }
  })
  return { checks }
}

function startRelay(): Promise<Relay> {
  const { turn } = parseConfig({ turn: { address: FIRST, port: 0, second: { address: SECOND, port: 0 } } })
  return Relay.start({
    turn,
    native: "auto",
    announce: FIRST,
    secret: new Uint8Array(32).fill(1),
    listeners: [],
    log: createLog({ level: "error", form: "json", write: line => console.error(line) }),
  })
}

/** Of each test what was wrong, or `undefined`. Stops the server. */
async function tryAll(server: Coturn | Relay): Promise<readonly (string | undefined)[]> {
  const outcomes: (string | undefined)[] = []
  try {
    for (const [, flags, says] of TESTS) {
      const args = [...flags, "-L", FIRST, "-p", `${server.port}`, FIRST]
      outcomes.push(wrongWith(await run("turnutils_natdiscovery", args, PATIENCE), says))
    }
  } finally {
    await ("stop" in server ? server.stop() : server.close())
  }
  return outcomes
}

function wrongWith({ code, output }: Ran, says: readonly RegExp[]): string | undefined {
  if (code !== 0) return code === null ? "no end" : `exit code ${code}`
  const missing = says.find(text => !text.test(output))
  return missing === undefined ? undefined : `it does not say "${missing.source}"`
}
