export { type HandshakeSample, seededHandshake } from "./handshake.ts"
