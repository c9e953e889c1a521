/** Why a packet was refused: what is returned instead of its new length. Its bytes are worth nothing then. */
export type SrtpFault = -1 | -2 | -3 | -4 | -5 | -6

/** Not RTP or RTCP of version 2, or shorter than its header, its extension and its tag. */
export const MALFORMED = -1
/** It came before, or is too far behind the newest to tell; or it was sent before, and its nonce with it. */
export const REPLAYED = -2
/** Not protected with this key: nothing of it is known to be true. */
export const FORGED = -3
/** The key has protected all packets that it may (RFC 3711 §9.2). Only a new one helps. */
export const EXHAUSTED = -4
/** The key has had as many SSRCs as its limit allows. */
export const TOO_MANY_STREAMS = -5
/** It shows what it must hide: CSRCs or header extensions where cryptex is required (RFC 9335), or RTCP that is not encrypted. */
export const EXPOSED = -6

const NAMES: Readonly<Record<SrtpFault, string>> = {
  [MALFORMED]: "malformed",
  [REPLAYED]: "replayed",
  [FORGED]: "forged",
  [EXHAUSTED]: "exhausted",
  [TOO_MANY_STREAMS]: "too many streams",
  [EXPOSED]: "exposed",
}

/** For counters and evidence. */
export function faultName(fault: number): string {
  return NAMES[fault as SrtpFault] ?? "none"
}
