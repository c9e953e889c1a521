import { once } from "node:events"
import { type ServerMessage, SUBPROTOCOL } from "@tightbeam/client"
import { WebSocket } from "ws"

/** A client that says what it is told to, numbers it, and acknowledges what it hears, as the SDK does. */
export class Talker {
  /** Its own id in the room, and of the one that its candidates go to. */
  id = ""
  partner = ""
  answers = 0
  latencies: number[] = []
  onAnswer: () => void = () => {}
  readonly #socket: WebSocket
  #said = 0
  #heard = 0

  /** `localAddress`: each address of the loopback is another client to the server. */
  constructor(url: string, localAddress: string) {
    this.#socket = new WebSocket(url, SUBPROTOCOL, { localAddress, perMessageDeflate: false })
    this.#socket.on("message", (data: Buffer) => this.#answered(data.toString()))
  }

  async opened(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CONNECTING) await once(this.#socket, "open")
  }

  async join(room: string, token: string): Promise<void> {
    await this.opened()
    const joined = await this.ask({ type: "join", version: 1, room, token, name: "Talker" })
    if (joined.type !== "joined") throw new Error(`A talker was answered: ${JSON.stringify(joined)}`)
    this.id = joined.self.id
  }

  /** From now on their candidates go to each other. */
  meet(other: Talker): void {
    this.partner = other.id
    other.partner = this.id
  }

  /** Says something, and hears the first answer that is not only about others. */
  async ask(message: object): Promise<ServerMessage> {
    this.#socket.send(JSON.stringify(message))
    const [data] = (await once(this.#socket, "message")) as [Buffer]
    return JSON.parse(data.toString()) as ServerMessage
  }

  say(message: object): void {
    this.#socket.send(JSON.stringify({ ...message, n: ++this.#said, ack: this.#heard }))
  }

  end(): void {
    this.#socket.terminate()
  }

  #answered(text: string): void {
    const n = /"n":(\d+)/.exec(text)
    if (n !== null) this.#heard = Number(n[1])
    if (
      !text.startsWith('{"type":"pong"') &&
      !text.includes('"signal"') &&
      !text.startsWith('{"type":"ping"')
    )
      return
    const sentAt = /sentAt ([\d.]+)/.exec(text)
    if (sentAt !== null) this.latencies.push(performance.now() - Number(sentAt[1]))
    this.answers++
    this.onAnswer()
  }
}

export const candidateTo = (to: string) => ({
  type: "signal",
  to,
  generation: 0,
  signal: {
    candidate: {
      candidate: `candidate:842163049 1 udp 1677729535 192.0.2.17 46154 typ srflx raddr 10.0.1.1 rport 46154 generation 0 ufrag 4ZcD network-cost 999 sentAt ${performance.now()}`,
      sdpMid: "0",
      sdpMLineIndex: 0,
      usernameFragment: "4ZcD",
    },
  },
})
