/** Our own agent as such a program, for another network namespace. The last argument is a JSON list of its servers. */
import { createInterface } from "node:readline"
import { parseIp } from "../../../packages/webrtc/src/bytes/index.ts"
import type { IceRole, IceServer } from "../../../packages/webrtc/src/ice/index.ts"
import { type Description, OurAgent } from "../our-agent.ts"

/** A server as JSON has it: its IP address as text. */
export type ServerText = { readonly ip: string; readonly port: number } & (
  | { readonly type: "stun" }
  | {
      readonly type: "turn"
      readonly transport: "udp" | "tcp"
      readonly username: string
      readonly password: string
    }
)

const [servers, role] = process.argv.slice(2) as [string, IceRole]
const agent = new OurAgent(role, { servers: (JSON.parse(servers) as readonly ServerText[]).map(serverOf) })
const { ufrag, pwd, candidates, options } = await agent.describe()
console.log(JSON.stringify({ type: "local", ufrag, pwd, candidates, options }))
for await (const line of createInterface({ input: process.stdin })) {
  agent.accept(JSON.parse(line) as Description)
  void answer()
}

/** Says that it is connected once data went there and back; the one that is controlling begins. */
async function answer(): Promise<void> {
  await agent.connected
  const say = (text: string) => agent.send(new TextEncoder().encode(text))
  if (role === "controlling") {
    // On a path that loses some, one of them gets through.
    const again = setInterval(() => say("hello"), 100)
    await agent.hear(data => new TextDecoder().decode(data) === "echo: hello")
    clearInterval(again)
  } else {
    // Its machine hears of it in the middle of a turn, when it takes no commands.
    agent.onData = data => queueMicrotask(() => say(`echo: ${new TextDecoder().decode(data)}`))
  }
  console.log(JSON.stringify({ type: "connected", pair: agent.pair }))
}

function serverOf(server: ServerText): IceServer {
  const address = { ip: parseIp(server.ip)!, port: server.port }
  if (server.type === "stun") return { type: "stun", server: address }
  const { transport, username, password } = server
  return { type: "turn", server: address, transport, username, password }
}
