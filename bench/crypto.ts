import { handshakes } from "./handshakes.ts"
import type { Row } from "./row.ts"
import { srtpPackets } from "./srtp-packets.ts"
import type { Options } from "./suite.ts"

/** What security costs, by CPU. */
export async function crypto(options: Options): Promise<Row[]> {
  return [...(await handshakes(options)), ...(await srtpPackets(options))]
}
