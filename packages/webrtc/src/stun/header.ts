/** The 20-byte header of every STUN message (RFC 8489 §5). */

export const HEADER_LENGTH = 20
export const MAGIC_COOKIE = 0x2112a442
/** Bytes of a transaction id. */
export const TRANSACTION_ID_LENGTH = 12
/** Where the transaction id begins, from the start of the message. */
export const TRANSACTION_ID_AT = 8

export const MessageClass = { request: 0, indication: 1, success: 2, error: 3 } as const
export type MessageClass = (typeof MessageClass)[keyof typeof MessageClass]

/** RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1. */
export const Method = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
  connect: 0x00a,
  connectionBind: 0x00b,
  connectionAttempt: 0x00c,
} as const

/**
 * The 14-bit message type interleaves the two class bits with the method (RFC 8489 §5):
 * `M11…M7 C1 M6…M4 C0 M3…M0`.
 */
export function messageType(messageClass: MessageClass, method: number): number {
  return (
    ((method & 0xf80) << 2) |
    ((messageClass & 0b10) << 7) |
    ((method & 0x070) << 1) |
    ((messageClass & 0b01) << 4) |
    (method & 0x00f)
  )
}

export function classOf(type: number): MessageClass {
  return (((type >> 7) & 0b10) | ((type >> 4) & 0b01)) as MessageClass
}

export function methodOf(type: number): number {
  return ((type >> 2) & 0xf80) | ((type >> 1) & 0x070) | (type & 0x00f)
}
