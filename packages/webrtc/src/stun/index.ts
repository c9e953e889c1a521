export {
  AddressFamily,
  ATTRIBUTE_HEADER_LENGTH,
  Attribute,
  isComprehensionRequired,
  MAX_USERNAME_LENGTH,
  padded,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "./attributes.ts"
export {
  BindingClient,
  type BindingClientOptions,
  type BindingEvent,
  MAX_OUTSTANDING_QUERIES,
} from "./binding-client.ts"
export { beginsAsStun, demultiplex } from "./demultiplex.ts"
export { MAX_REASON_LENGTH, readErrorCode, type StunError } from "./error-code.ts"
export { FINGERPRINT_LENGTH, fingerprintOf, hasValidFingerprint } from "./fingerprint.ts"
export {
  classOf,
  HEADER_LENGTH,
  MAGIC_COOKIE,
  MessageClass,
  Method,
  messageType,
  methodOf,
  TRANSACTION_ID_AT,
  TRANSACTION_ID_LENGTH,
} from "./header.ts"
export { readMappedAddress } from "./mapped-address.ts"
export { MAX_ATTRIBUTES, type NotStun, StunMessage } from "./message.ts"
export {
  hasValidIntegrity,
  hasValidIntegritySha256,
  INTEGRITY_LENGTH,
  INTEGRITY_SHA256_LENGTH,
} from "./message-integrity.ts"
export { hasNonceCookie, NONCE_COOKIE } from "./nonce-cookie.ts"
export { PasswordAlgorithm, passwordAlgorithmsValue, readPasswordAlgorithm } from "./password-algorithm.ts"
export {
  DEFAULT_RC,
  DEFAULT_RM,
  DEFAULT_RTO,
  Transaction,
  type TransactionOptions,
  type TransactionStep,
} from "./transaction.ts"
export { StunWriter } from "./writer.ts"
export { AddressSlot, readXorAddress, writeXorAddress, xorAddressLength } from "./xor-address.ts"
