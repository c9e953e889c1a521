import { createHash } from "node:crypto"
import { createSocket, type Socket as UdpSocket } from "node:dgram"
import { once } from "node:events"
import type { Socket as StreamSocket } from "node:net"
import { parseIp } from "@tightbeam/webrtc/bytes"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { DtlsConnection, type DtlsOut, fingerprintOf, selfSignedCertificate } from "@tightbeam/webrtc/dtls"
import { FrameSplitter } from "@tightbeam/webrtc/net"
import {
  AddressSlot,
  Attribute,
  MessageClass,
  Method,
  messageType,
  readErrorCode,
  readXorAddress,
  StunMessage,
  StunWriter,
  TRANSPORT_UDP,
} from "@tightbeam/webrtc/stun"
import { turnFraming } from "@tightbeam/webrtc/turn"

type Fill = (writer: StunWriter) => void

/** What a data connection (RFC 6062) has no messages behind. */
const BOUND = messageType(MessageClass.success, Method.connectionBind)

interface Wire {
  send(bytes: Uint8Array): void
  receive(): Promise<Uint8Array>
}

/** A TURN client on a real socket of 127.0.0.1: one request at a time, its answer awaited. */
export class TurnClient<Socket = UdpSocket> {
  readonly socket: Socket
  readonly #wire: Wire
  readonly #username: string
  readonly #password: string
  #realm = ""
  #nonce: Uint8Array = new Uint8Array(0)
  #requests = 0

  /** Over UDP, to a port of 127.0.0.1. */
  static async open(server: number, username: string, password: string): Promise<TurnClient> {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1")
    await once(socket, "listening")
    return TurnClient.on(socket, server, username, password)
  }

  /** As `open`, on a socket that is bound. */
  static on(socket: UdpSocket, server: number, username: string, password: string): TurnClient {
    const wire: Wire = {
      send: bytes => socket.send(bytes, server, "127.0.0.1"),
      receive: async () => ((await once(socket, "message")) as [Buffer])[0],
    }
    return new TurnClient(socket, wire, username, password)
  }

  /** Over a connection, TLS or not. */
  static over<Stream extends StreamSocket>(
    socket: Stream,
    username: string,
    password: string,
  ): TurnClient<Stream> {
    const splitter = new FrameSplitter(turnFraming)
    const messages: Uint8Array[] = []
    let isBound = false
    const read = (chunk: Buffer): void => {
      const taken = splitter.push(chunk, turnFraming.longest, (bytes, at, length) => {
        messages.push(bytes.slice(at, at + length))
        const message = messages.at(-1)!
        isBound = ((message[0]! << 8) | message[1]!) === BOUND
        return !isBound
      })
      if (!isBound) return
      socket.off("data", read).pause()
      if (taken < chunk.length) socket.unshift(chunk.subarray(taken))
    }
    socket.on("data", read)
    const wire: Wire = {
      send: bytes => {
        const padding = turnFraming.lengthOnStream(bytes.length) - bytes.length
        socket.write(Buffer.concat([bytes, new Uint8Array(padding)]))
      },
      receive: async () => {
        while (messages.length === 0) await once(socket, "data")
        return messages.shift()!
      },
    }
    return new TurnClient(socket, wire, username, password)
  }

  /** Over DTLS (RFC 7350), once it is connected to whoever has this certificate. */
  static async overDtls(
    server: number,
    certificate: Uint8Array,
    username: string,
    password: string,
  ): Promise<TurnClient> {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1")
    await once(socket, "listening")
    const messages: Uint8Array[] = []
    const connection = new DtlsConnection({
      crypto: nodeCrypto,
      role: "client",
      certificate: selfSignedCertificate(nodeCrypto),
      remote: [fingerprintOf(nodeCrypto, certificate, "sha-256")],
      onData: ({ bytes, offset, length }) => {
        messages.push(bytes.slice(offset, offset + length))
        socket.emit("secured")
      },
    })
    const slab = new Uint8Array(4096)
    const out: DtlsOut = {
      paths: undefined as never,
      bytes: slab,
      view: new DataView(slab.buffer),
      reserve: () => 0,
      commit: length => socket.send(slab.slice(0, length), server, "127.0.0.1"),
      forward: () => {},
      ask: () => {},
      tell: ({ state, why }) => {
        if (state === "connected") socket.emit("secured")
        if (state === "failed") socket.emit("error", new Error(why))
      },
      note: () => {},
    }
    socket.on("message", received => {
      const bytes = Uint8Array.from(received)
      const view = new DataView(bytes.buffer)
      connection.receive({ bytes, view, offset: 0, length: bytes.length, path: 0, ecn: 0 }, 0, out)
    })
    const isConnected = once(socket, "secured")
    connection.start(0, out)
    await isConnected
    const wire: Wire = {
      send: bytes => {
        const at = connection.reserve(bytes.length, 0, out)
        slab.set(bytes, at)
        connection.commit(bytes.length, 0, out)
      },
      receive: async () => {
        while (messages.length === 0) await once(socket, "secured")
        return messages.shift()!
      },
    }
    return new TurnClient(socket, wire, username, password)
  }

  private constructor(socket: Socket, wire: Wire, username: string, password: string) {
    this.socket = socket
    this.#wire = wire
    this.#username = username
    this.#password = password
  }

  /** Allocates; resolves with the relayed port, 0 when it was refused. */
  async allocate(protocol: number = TRANSPORT_UDP): Promise<number> {
    const fill: Fill = writer => writer.requestedTransport(protocol)
    await this.#challenged(Method.allocate, fill)
    const allocated = await this.#exchange(Method.allocate, this.#signed(fill))
    const slot = new AddressSlot()
    readXorAddress(allocated, allocated.indexOf(Attribute.xorRelayedAddress), slot)
    return slot.port
  }

  /** Refreshes; resolves with the lifetime granted, in seconds. 0 frees the allocation. */
  async refresh(lifetime: number): Promise<number> {
    const answer = await this.#exchange(
      Method.refresh,
      this.#signed(writer => writer.uint32(Attribute.lifetime, lifetime)),
    )
    return answer.uint32(Attribute.lifetime)
  }

  /** The error code of a CreatePermission or, with a channel, of a ChannelBind; 0 is success. */
  async permit(ip: string, port: number, channel?: number): Promise<number> {
    const method = channel === undefined ? Method.createPermission : Method.channelBind
    const answer = await this.#exchange(
      method,
      this.#signed(writer => {
        if (channel !== undefined) writer.channelNumber(channel)
        writer.xorAddress(Attribute.xorPeerAddress, parseIp(ip)!, port)
      }),
    )
    return readErrorCode(answer)?.code ?? 0
  }

  /** Asks for a TCP connection to a peer (RFC 6062); resolves with its CONNECTION-ID, or with the error code. */
  async connect(ip: string, port: number): Promise<{ id: number; code: number }> {
    const fill: Fill = writer => writer.xorAddress(Attribute.xorPeerAddress, parseIp(ip)!, port)
    const answer = await this.#exchange(Method.connect, this.#signed(fill))
    return { id: answer.uint32(Attribute.connectionId), code: readErrorCode(answer)?.code ?? 0 }
  }

  /** The next ConnectionAttempt. */
  async attempt(): Promise<{ id: number; port: number }> {
    const bytes = await this.#wire.receive()
    const message = new StunMessage()
    message.parse(new Uint8Array(bytes), 0, bytes.length)
    const peer = new AddressSlot()
    readXorAddress(message, message.indexOf(Attribute.xorPeerAddress), peer)
    return { id: message.uint32(Attribute.connectionId), port: peer.port }
  }

  /**
   * Makes this the data connection of a peer's; resolves with the error code, 0 is success: then the socket is paused, and
   * has no messages any more. `behind` is sent right behind the request.
   */
  async connectionBind(id: number, behind: Uint8Array = new Uint8Array(0)): Promise<number> {
    const fill: Fill = writer => writer.uint32(Attribute.connectionId, id)
    await this.#challenged(Method.connectionBind, fill)
    const answer = this.#exchange(Method.connectionBind, this.#signed(fill))
    if (behind.length > 0) this.#wire.send(behind)
    return readErrorCode(await answer)?.code ?? 0
  }

  /** Sends data on a bound channel. */
  sendOn(channel: number, data: Uint8Array): void {
    const header = Buffer.alloc(4)
    header.writeUInt16BE(channel, 0)
    header.writeUInt16BE(data.length, 2)
    this.#wire.send(Buffer.concat([header, data]))
  }

  /** The next message, whatever it is. */
  receive(): Promise<Uint8Array> {
    return this.#wire.receive()
  }

  async #challenged(method: number, fill: Fill): Promise<void> {
    const challenge = await this.#exchange(method, fill)
    this.#realm = Buffer.from(challenge.value(Attribute.realm)!).toString()
    this.#nonce = challenge.value(Attribute.nonce)!.slice()
  }

  async #exchange(method: number, fill: Fill): Promise<StunMessage> {
    const bytes = new Uint8Array(1500)
    const writer = new StunWriter()
    const id = new Uint8Array(12).fill(++this.#requests)
    writer.begin(bytes, 0, bytes.length, MessageClass.request, method, id)
    fill(writer)
    this.#wire.send(bytes.subarray(0, writer.end()))
    const answer = await this.#wire.receive()
    const message = new StunMessage()
    message.parse(new Uint8Array(answer), 0, answer.length)
    return message
  }

  #signed(fill: Fill): Fill {
    const key = createHash("md5").update(`${this.#username}:${this.#realm}:${this.#password}`).digest()
    return writer => {
      fill(writer)
      writer.text(Attribute.username, this.#username)
      writer.text(Attribute.realm, this.#realm)
      writer.attribute(Attribute.nonce, this.#nonce)
      writer.messageIntegrity(nodeCrypto.hmac("sha1", key))
    }
  }
}
