/**
 * One who harms, in a process of its own: `abuser.ts URL MODE SECRET`. It begins when told `{ on: true }`, stops when
 * told otherwise, comes back as often as it is thrown out, and says with what code it was; where it
 * cannot read that, that it was.
 */
import { once } from "node:events"
import { constants, setPriority } from "node:os"
import { setTimeout as pass } from "node:timers/promises"
import { SUBPROTOCOL } from "@tightbeam/client"
import { WebSocket } from "ws"
import { issueToken } from "../packages/server/src/signaling/tokens.ts"
import { candidateTo } from "./talker.ts"

export type Mode = "flood" | "huge" | "deaf"

const [url = "", mode = "flood", secretText = ""] = process.argv.slice(2)
const secret = new TextEncoder().encode(secretText)
const wanted = { on: false }

/** Each time another room: who was thrown out keeps a seat for a while. */
let rooms = 0

/** Joins; resolves with the socket and our id. The server may throw us out at any moment. */
async function join(room: string): Promise<{ socket: WebSocket; id: string }> {
  const socket = new WebSocket(url, SUBPROTOCOL, { localAddress: "127.0.3.1", perMessageDeflate: false })
  socket.on("error", () => {})
  socket.on("close", code => process.send!({ closed: code }))
  await once(socket, "open")
  const token = await issueToken({ room, ttl: 60 }, secret)
  socket.send(JSON.stringify({ type: "join", version: 1, room, token, name: "Abuser" }))
  const [data] = (await once(socket, "message")) as [Buffer]
  const { self } = JSON.parse(data.toString()) as { self?: { id: string } }
  return { socket, id: self?.id ?? "" }
}

/** Acts every ms until the socket is closed, or nobody wants it any more. */
async function every(socket: WebSocket, act: () => void): Promise<void> {
  const timer = setInterval(() => {
    if (!wanted.on) socket.terminate()
    else if (socket.readyState === WebSocket.OPEN) act()
  }, 1)
  if (socket.readyState !== WebSocket.CLOSED) await once(socket, "close")
  clearInterval(timer)
}

const acts: Readonly<Record<Mode, () => Promise<void>>> = {
  /** 10,000 messages a second. */
  async flood() {
    const { socket } = await join(`abuse-${rooms++}`)
    await every(socket, () => {
      for (let i = 0; i < 10; i++) socket.send('{"type":"ping","id":1}')
    })
  },

  /** 1 MB, again and again. */
  async huge() {
    const { socket } = await join(`abuse-${rooms++}`)
    const megabyte = JSON.stringify({ type: "rename", name: "x".repeat(1024 * 1024) })
    await every(socket, () => {
      if (socket.bufferedAmount === 0) socket.send(megabyte)
    })
  },

  /** Somebody who reads nothing, and a friend who says much to them: as much as is allowed at once, and then more. */
  async deaf() {
    const room = `abuse-${rooms++}`
    const [deaf, friend] = [await join(room), await join(room)]
    deaf.socket.pause()
    const gone = new Promise<void>(resolve =>
      friend.socket.on("message", (data: Buffer) => {
        if (data.includes('"away":true')) resolve()
      }),
    )
    const long = { ...candidateTo(deaf.id), signal: description }
    let n = 0
    const say = () => friend.socket.send(JSON.stringify({ ...long, n: ++n }))
    for (let i = 0; i < BURST; i++) say()
    const talking = setInterval(() => {
      if (wanted.on) say()
    }, 100)
    await gone
    process.send!({ closed: "away" })
    clearInterval(talking)
    deaf.socket.terminate()
    friend.socket.terminate()
  },
}

const description = { description: { type: "offer", sdp: "x".repeat(50_000) }, tracks: {} }

process.on("message", (message: { on: boolean }) => {
  wanted.on = message.on
  if (message.on) void harm()
})

let harming = false

/** Messages of 50 KB that the friend of who reads nothing begins with. */
const BURST = 80

/** How soon it comes back, ms. */
const PAUSE = 100

// Whoever harms has a computer of their own: what they take of this one is not what is measured.
setPriority(constants.priority.PRIORITY_LOW)

async function harm(): Promise<void> {
  if (harming) return
  harming = true
  while (wanted.on) {
    await acts[mode as Mode]()
    await pass(PAUSE)
  }
  harming = false
}
