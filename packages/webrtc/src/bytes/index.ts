export {
  type Address,
  equalAddress,
  equalBytes,
  formatAddress,
  formatIp,
  isIpv4Mapped,
  parseIp,
} from "./ip.ts"
