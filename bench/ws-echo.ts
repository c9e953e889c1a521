/** The peer of the signaling benchmark: `ws` with nothing on top. It says its port, and sends back what it gets. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { WebSocketServer } from "ws"

const http = createServer()
const server = new WebSocketServer({ server: http, perMessageDeflate: false })
server.on("connection", socket => {
  socket.on("message", data => socket.send(data as Buffer, { binary: false }))
  socket.on("error", () => {})
})
http.listen(0, "127.0.0.1", () => console.log((http.address() as AddressInfo).port))
