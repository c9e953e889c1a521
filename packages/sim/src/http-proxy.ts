import { type Address, formatAddress, parseIp } from "@tightbeam/webrtc/bytes"
import type { Host } from "./host.ts"
import type { TcpConnection, TcpHandlers } from "./tcp-connection.ts"

/** More than any client says before its tunnel stands, bytes. */
const LONGEST_HEAD = 8192

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Makes a host an HTTP proxy that knows nothing but CONNECT (RFC 9110 §9.3.6), to addresses as there are no names here. */
export function serveProxy(host: Host, port: number): void {
  const isFree = host.listenTcp(port, client => {
    readHead(client, (head, rest) => {
      const [, ip = "", toPort] = /^CONNECT \[?([0-9a-f.:]+?)\]?:(\d+) HTTP\/1\.1\r\n/.exec(head) ?? []
      const parsed = parseIp(ip)
      if (parsed === undefined) return refuse(client, "400 Bad Request")
      const server = host.connectTcp(
        { ip: parsed, port: Number(toPort) },
        {
          opened: () => {
            client.send(encoder.encode("HTTP/1.1 200 Connection established\r\n\r\n"))
            join(client, server)
            if (rest.length > 0) server.send(rest)
          },
          closed: () => refuse(client, "502 Bad Gateway"),
        },
      )
    })
  })
  if (!isFree) throw new Error(`${host.name}: TCP port ${port} is taken`)
}

/** Opens a TCP connection through a proxy; `opened` comes when the tunnel stands, `closed("refused")` when it does not. */
export function connectThroughProxy(
  host: Host,
  proxy: Address,
  to: Address,
  handlers: TcpHandlers,
): TcpConnection {
  const connection: TcpConnection = host.connectTcp(proxy, {
    opened: opened => {
      const target = formatAddress(to)
      opened.send(encoder.encode(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`))
      readHead(opened, (head, rest) => {
        if (!/^HTTP\/1\.1 2\d\d /.test(head)) {
          opened.handlers = {}
          opened.close()
          handlers.closed?.("refused")
          return
        }
        opened.handlers = handlers
        handlers.opened?.(opened)
        if (rest.length > 0) opened.handlers.data?.(rest)
      })
    },
    closed: why => handlers.closed?.(why),
  })
  return connection
}

/** Hands up an HTTP head without its empty line, and what came behind it. */
function readHead(connection: TcpConnection, done: (head: string, rest: Uint8Array) => void): void {
  let received: number[] = []
  connection.handlers = {
    ...connection.handlers,
    data: bytes => {
      received.push(...bytes)
      const head = decoder.decode(Uint8Array.from(received.slice(0, LONGEST_HEAD)))
      const end = head.indexOf("\r\n\r\n")
      if (end !== -1) {
        const rest = Uint8Array.from(received.slice(end + 4))
        received = []
        done(head.slice(0, end + 2), rest)
      } else if (received.length >= LONGEST_HEAD) refuse(connection, "431 Request Header Fields Too Large")
    },
  }
}

function refuse(client: TcpConnection, status: string): void {
  client.send(encoder.encode(`HTTP/1.1 ${status}\r\n\r\n`))
  client.close()
}

function join(a: TcpConnection, b: TcpConnection): void {
  a.handlers = { data: bytes => b.send(bytes), closed: () => b.close() }
  b.handlers = { data: bytes => a.send(bytes), closed: () => a.close() }
}
