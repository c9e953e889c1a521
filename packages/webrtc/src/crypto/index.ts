export {
  type Crypto,
  type DigestAlgorithm,
  equalInConstantTime,
  type Hmac,
  type HmacAlgorithm,
} from "./crypto.ts"
export { SRTP_PROFILES, type SrtpMasterKey, type SrtpProfile } from "./srtp-profile.ts"
export {
  AEAD_KEY_LENGTH,
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  type Aead,
  type AeadAlgorithm,
  type Ciphers,
  type CounterMode,
  type Encapsulated,
  type Group,
  type KeyShare,
  type KeyType,
  type PacketMac,
  type PrivateKey,
  type PublicKey,
  type RecordNumberMask,
  type SignatureScheme,
  type TransportCrypto,
} from "./transport-crypto.ts"
