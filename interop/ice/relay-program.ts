/** Our STUN and TURN server on UDP and TCP port 3478 of the address that is its argument, for another network namespace. */
import { createServer } from "node:net"
import { parseConfig } from "../../packages/server/src/config/schema.ts"
import { createLog } from "../../packages/server/src/log/index.ts"
import { Relay } from "../../packages/server/src/relay/index.ts"

const [address] = process.argv.slice(2) as [string]
const { turn } = parseConfig({ turn: { address, port: 3478 } })
const relay = await Relay.start({
  turn,
  native: "auto",
  announce: address,
  secret: new Uint8Array(32).fill(1),
  listeners: [],
  log: createLog({ level: "error", form: "json", write: line => console.error(line) }),
})
const server = createServer(connection => relay.accept(connection, "tcp"))
server.listen(3478, address, () => {
  const { username, credential } = relay.iceServers("room", "peer").iceServers.find(each => each.username)!
  console.log(JSON.stringify({ username, password: credential }))
})
