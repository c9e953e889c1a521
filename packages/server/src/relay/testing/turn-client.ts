import { createHash } from "node:crypto"
import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { parseIp } from "@tightbeam/webrtc/bytes"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import {
  AddressSlot,
  Attribute,
  MessageClass,
  Method,
  readErrorCode,
  readXorAddress,
  StunMessage,
  StunWriter,
  TRANSPORT_UDP,
} from "@tightbeam/webrtc/stun"

type Fill = (writer: StunWriter) => void

/** A TURN client on a real socket of 127.0.0.1: one request at a time, its answer awaited. */
export class TurnClient {
  readonly socket: Socket
  readonly #server: number
  readonly #username: string
  readonly #password: string
  #realm = ""
  #nonce: Uint8Array = new Uint8Array(0)
  #requests = 0

  static async open(server: number, username: string, password: string): Promise<TurnClient> {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1")
    await once(socket, "listening")
    return new TurnClient(socket, server, username, password)
  }

  private constructor(socket: Socket, server: number, username: string, password: string) {
    this.socket = socket
    this.#server = server
    this.#username = username
    this.#password = password
  }

  /** Allocates; resolves with the relayed port. */
  async allocate(): Promise<number> {
    const challenge = await this.#exchange(Method.allocate, writer =>
      writer.requestedTransport(TRANSPORT_UDP),
    )
    this.#realm = Buffer.from(challenge.value(Attribute.realm)!).toString()
    this.#nonce = challenge.value(Attribute.nonce)!.slice()
    const allocated = await this.#exchange(
      Method.allocate,
      this.#signed(writer => writer.requestedTransport(TRANSPORT_UDP)),
    )
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

  /** Sends data on a bound channel. */
  sendOn(channel: number, data: Uint8Array): void {
    const header = Buffer.alloc(4)
    header.writeUInt16BE(channel, 0)
    header.writeUInt16BE(data.length, 2)
    this.socket.send(Buffer.concat([header, data]), this.#server, "127.0.0.1")
  }

  async #exchange(method: number, fill: Fill): Promise<StunMessage> {
    const bytes = new Uint8Array(1500)
    const writer = new StunWriter()
    const id = new Uint8Array(12).fill(++this.#requests)
    writer.begin(bytes, 0, bytes.length, MessageClass.request, method, id)
    fill(writer)
    this.socket.send(bytes, 0, writer.end(), this.#server, "127.0.0.1")
    const [answer] = (await once(this.socket, "message")) as [Buffer]
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
