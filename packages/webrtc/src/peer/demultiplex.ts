/**
 * What a first byte says about the rest, on a path that ICE found (RFC 7983 §7, RFC 9443 §3). STUN and ChannelData do not
 * come this far; QUIC and ZRTP are nothing that is spoken here.
 */
export function demultiplex(firstByte: number): "dtls" | "media" | "other" {
  if (firstByte >= 20 && firstByte <= 63) return "dtls"
  return firstByte >= 128 && firstByte <= 191 ? "media" : "other"
}

/** RFC 5761 §4: whether media's second byte is a packet type of RTCP, which no payload type of RTP may look like. */
export function isRtcp(secondByte: number): boolean {
  return secondByte >= 192 && secondByte <= 223
}
