/** `npm run interop -- NAME [PEER] [--json]`: our half of a protocol with somebody else's other half. `dtls` alone asks for a PEER. */
import { parseArgs } from "node:util"
import { type Found, isMet } from "./check.ts"
import { dtls } from "./dtls.ts"
import { ice } from "./ice.ts"
import { iceNat } from "./ice-nat.ts"
import { natDiscovery } from "./nat-discovery.ts"
import { peer } from "./peer.ts"
import { srtp } from "./srtp.ts"
import { turnClient } from "./turn-client.ts"
import { turnServer } from "./turn-server.ts"

const suites: Readonly<Record<string, (only?: string) => Promise<Found>>> = {
  "turn-client": turnClient,
  "turn-server": turnServer,
  "nat-discovery": natDiscovery,
  ice,
  dtls,
  srtp,
  "ice-nat": iceNat,
  peer,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
})
const name = positionals[0] ?? ""
const suite = suites[name]
if (suite === undefined) {
  console.error(
    `npm run interop -- NAME: "${name}" is not a suite. There are: ${Object.keys(suites).join(", ")}.`,
  )
  process.exit(2)
}

const found = await suite(positionals[1])
if ("missing" in found) console.error(`${name}: ${found.missing}`)
else {
  for (const check of found.checks) {
    const { suite, peer, case: over, what, passed, why, reference } = check
    if (values.json) {
      const row = { suite, case: `${over}, ${what}`, metric: "passed", unit: "checks", peer }
      const theirs = reference === undefined ? {} : { peerValue: reference ? 1 : 0 }
      console.log(JSON.stringify({ ...row, value: passed ? 1 : 0, ...theirs, goal: 1, met: isMet(check) }))
    } else {
      const theirs = reference === undefined ? "" : ` (with itself: ${reference ? "pass" : "fail"})`
      const line = `${passed ? "pass" : "FAIL"}  ${peer}${theirs}  ${over.padEnd(4)} ${what}`
      console.log(why === undefined ? line : `${line}: ${why}`)
    }
  }
  if (!values.json) for (const what of found.notTried ?? []) console.log(`----  ${what}`)
  process.exitCode = found.checks.every(isMet) ? 0 : 1
}
