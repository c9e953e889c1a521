export { readUint16, readUint32, writeUint16, writeUint32 } from "./integers.ts"
export {
  type Address,
  addressGroup,
  equalAddress,
  equalBytes,
  formatAddress,
  formatIp,
  isIpv4Mapped,
  parseIp,
} from "./ip.ts"
export { ReplayWindow } from "./replay-window.ts"
