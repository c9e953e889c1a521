/** npm's `turn-server`, started as its README says: ENTRY PORT USERNAME PASSWORD. */
const [entry, port, username, password] = process.argv.slice(2) as [string, string, string, string]

interface TurnServerPackage {
  createServer(options: object): { listen(options: object): void }
}

const turn = (await import(entry)) as TurnServerPackage
const server = turn.createServer({
  auth: { mechanism: "long-term", realm: "bench.local", credentials: { [username]: password } },
  relay: { ip: "127.0.0.1", externalIp: "127.0.0.1" },
  allowLoopback: true,
})
server.listen({ address: "127.0.0.1", port: Number(port) })
