import type { TcpConnection } from "./tcp-connection.ts"

/** A TCP header as far as it matters here (RFC 9293 §3.1). Sequence numbers begin at 0. */
export interface Segment {
  readonly seq: number
  /** What is expected next; every segment but the first acknowledges. */
  readonly ack: number
  readonly syn: boolean
  readonly fin: boolean
  readonly rst: boolean
  /** How many bytes from `ack` on there is room for. */
  readonly window: number
  /** Who sent a SYN. The network never looks; whoever cuts a connection must find its other end. */
  readonly opener?: TcpConnection
}
