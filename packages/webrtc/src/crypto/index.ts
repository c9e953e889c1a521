export {
  type Crypto,
  type DigestAlgorithm,
  equalInConstantTime,
  type Hmac,
  type HmacAlgorithm,
} from "./crypto.ts"
