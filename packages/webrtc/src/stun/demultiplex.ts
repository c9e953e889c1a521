/**
 * What a first byte says about the rest, on a socket where only STUN and TURN are spoken (RFC 7983 §7,
 * RFC 9443 §3, RFC 8656 §12): everything else that WebRTC multiplexes is noise there.
 */
export function demultiplex(firstByte: number): "stun" | "channel-data" | "other" {
  if (firstByte <= 3) return "stun"
  if (firstByte >= 64 && firstByte <= 79) return "channel-data"
  return "other"
}
