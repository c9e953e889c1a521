import assert from "node:assert/strict"
import { test } from "node:test"
import { deterministicCrypto, Internet, TLS_ONLY, UDP_BLOCKED } from "@tightbeam/sim"
import { formatAddress } from "@tightbeam/webrtc/bytes"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { TurnClient, turnFraming } from "@tightbeam/webrtc/turn"
import { IceServers } from "./servers.ts"

for (const [least, policy] of [
  ["udp", {}],
  ["tcp", UDP_BLOCKED],
  ["tls", TLS_ONLY],
] as const) {
  test(`the lab's TURN server is reached over ${least} where that is let out, and not where it is not`, () => {
    const net = new Internet(1)
    const servers = new IceServers(net, random => deterministicCrypto(nodeCrypto, random))
    const inside = net.nat({ policy }).host("inside")
    const outcome = new Map<string, string>()
    for (const entry of servers.for("ada", { turn: ["udp", "tcp", "tls"] })) {
      if (entry.type !== "turn" || entry.server.ip.length !== 4) continue
      const { username, password, server, transport } = entry
      const client = new TurnClient({ crypto: nodeCrypto, username, password, onData: () => {} })
      const driver = inside.run(client, {
        onEvent: event => {
          if (event.type === "allocated") outcome.set(transport, formatAddress(server))
        },
      })
      if (transport === "udp") {
        const socket = driver.listen(0)
        driver.command((now, out) => client.allocate(out.paths.open(socket, server), now, out))
      } else {
        inside.connectTcp(server, {
          opened: connection => {
            const path = driver.accept(connection, transport, turnFraming)
            driver.command((now, out) => client.allocate(path, now, out))
          },
        })
      }
    }
    net.run(60_000)
    const reached = { udp: "udp tcp tls", tcp: "tcp tls", tls: "tls" }[least]
    assert.deepEqual([...outcome.keys()].sort().join(), reached.split(" ").sort().join())
  })
}
