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

const NAMES = new Map<number, string>([
  [0, "HelloRequest"],
  [1, "ClientHello"],
  [2, "ServerHello"],
  [3, "HelloVerifyRequest"],
  [4, "NewSessionTicket"],
  [8, "EncryptedExtensions"],
  [9, "RequestConnectionId"],
  [10, "NewConnectionId"],
  [11, "Certificate"],
  [12, "ServerKeyExchange"],
  [13, "CertificateRequest"],
  [14, "ServerHelloDone"],
  [15, "CertificateVerify"],
  [16, "ClientKeyExchange"],
  [20, "Finished"],
  [24, "KeyUpdate"],
])

export function handshakeName(type: number): string {
  return NAMES.get(type) ?? `handshake message ${type}`
}
