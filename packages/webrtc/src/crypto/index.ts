export {
  type Crypto,
  type DigestAlgorithm,
  equalInConstantTime,
  type Hmac,
  type HmacAlgorithm,
} from "./crypto.ts"
export {
  AEAD_KEY_LENGTH,
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  type Aead,
  type AeadAlgorithm,
  type CounterMode,
  type Encapsulated,
  type Group,
  type KeyShare,
  type KeyType,
  type PrivateKey,
  type PublicKey,
  type RecordNumberMask,
  type SignatureScheme,
  type TransportCrypto,
} from "./transport-crypto.ts"
