import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"

/** Between a client and a server on this machine: of each direction's datagrams the first is lost, and every third after it. */
export class LossyPath {
  readonly #front: Socket
  readonly #back: Socket

  /** `server` is a port. */
  static async open(server: number): Promise<LossyPath> {
    const [front, back] = [createSocket("udp4"), createSocket("udp4")]
    for (const socket of [front, back]) {
      socket.bind(0, "127.0.0.1")
      await once(socket, "listening")
    }
    return new LossyPath(front, back, server)
  }

  private constructor(front: Socket, back: Socket, server: number) {
    this.#front = front
    this.#back = back
    let client = 0
    let [there, here] = [0, 0]
    front.on("message", (datagram, { port }) => {
      client = port
      if (there++ % 3 !== 0) back.send(datagram, server, "127.0.0.1")
    })
    back.on("message", datagram => {
      if (here++ % 3 !== 0) front.send(datagram, client, "127.0.0.1")
    })
    // What comes for a program that has ended is an error of the socket that sent it.
    for (const socket of [front, back]) socket.on("error", () => {})
  }

  /** Where a client finds the server behind it. */
  get port(): number {
    return this.#front.address().port
  }

  close(): void {
    this.#front.close()
    this.#back.close()
  }
}
