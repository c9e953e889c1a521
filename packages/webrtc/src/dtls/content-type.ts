/** RFC 9147 §4, RFC 9146 §4. */
export const ContentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  tls12Cid: 25,
  ack: 26,
} as const

export const MAX_PLAINTEXT: number = 2 ** 14
/** What a ciphertext may be longer than its plaintext (RFC 5246 §6.2.3). */
export const MAX_EXPANSION = 2048
