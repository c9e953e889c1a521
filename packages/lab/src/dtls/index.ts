export { type HandshakeSample, seededHandshake } from "./handshake.ts"
export { HOSTILE_INPUTS, type HostileSample, hostileSeed } from "./hostile.ts"
