export {
  type DataDescription,
  type DtlsSetup,
  dataDescription,
  formatDataDescription,
} from "./data-description.ts"
export { type IceParameters, iceParameters } from "./ice-parameters.ts"
export {
  type Attribute,
  attributeValue,
  MAX_SDP_LENGTH,
  type MediaDescription,
  parseSdp,
  type SdpFault,
  type SessionDescription,
} from "./session-description.ts"
