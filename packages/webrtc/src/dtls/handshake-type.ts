/** RFC 8446 §4, RFC 6347 §4.3.2, RFC 9147 §9. */
export const HandshakeType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4,
  encryptedExtensions: 8,
  requestConnectionId: 9,
  newConnectionId: 10,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
  keyUpdate: 24,
  messageHash: 254,
} as const

const NAMES = new Map<number, string>(
  Object.entries(HandshakeType).map(([name, type]) => [type, name[0]!.toUpperCase() + name.slice(1)]),
)

export function handshakeName(type: number): string {
  return NAMES.get(type) ?? `handshake message ${type}`
}
