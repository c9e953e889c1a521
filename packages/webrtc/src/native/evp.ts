import { type Call, firstLine, loadLibrary } from "./koffi.ts"

/** What is used here of the OpenSSL within the running process. Functions of OpenSSL return 1 where they did it. */
export interface Evp {
  /** Where the first byte lies. Whoever keeps the number keeps the array too. */
  addressOf(bytes: Uint8Array): number
  /** An `EVP_CIPHER` or `EVP_MD`, by the function that returns it. */
  algorithm(name: string): number
  readonly EVP_CIPHER_CTX_new: Call
  readonly EVP_CIPHER_CTX_free: Call
  readonly EVP_CIPHER_CTX_ctrl: Call
  readonly EVP_CIPHER_CTX_set_padding: Call
  readonly EVP_CipherInit_ex: Call
  readonly EVP_CipherUpdate: Call
  readonly EVP_CipherFinal_ex: Call
  readonly HMAC_CTX_new: Call
  readonly HMAC_CTX_free: Call
  readonly HMAC_Init_ex: Call
  readonly HMAC_Update: Call
  readonly HMAC_Final: Call
}

/** `EVP_CTRL_AEAD_GET_TAG` and `EVP_CTRL_AEAD_SET_TAG` of openssl/evp.h. */
export const GET_TAG = 0x10
export const SET_TAG = 0x11

/** Or why there is none. */
export function loadEvp(): Evp | string {
  const library = loadLibrary()
  if (typeof library === "string") return library
  const [p, i] = ["uint64", "int"]
  try {
    return {
      addressOf: bytes => library.addressOf(bytes),
      algorithm: name => library.func(name, p, [])(),
      EVP_CIPHER_CTX_new: library.func("EVP_CIPHER_CTX_new", p, []),
      EVP_CIPHER_CTX_free: library.func("EVP_CIPHER_CTX_free", "void", [p]),
      EVP_CIPHER_CTX_ctrl: library.func("EVP_CIPHER_CTX_ctrl", i, [p, i, i, p]),
      EVP_CIPHER_CTX_set_padding: library.func("EVP_CIPHER_CTX_set_padding", i, [p, i]),
      EVP_CipherInit_ex: library.func("EVP_CipherInit_ex", i, [p, p, p, p, p, i]),
      EVP_CipherUpdate: library.func("EVP_CipherUpdate", i, [p, p, p, p, i]),
      EVP_CipherFinal_ex: library.func("EVP_CipherFinal_ex", i, [p, p, p]),
      HMAC_CTX_new: library.func("HMAC_CTX_new", p, []),
      HMAC_CTX_free: library.func("HMAC_CTX_free", "void", [p]),
      HMAC_Init_ex: library.func("HMAC_Init_ex", i, [p, p, i, p, p]),
      HMAC_Update: library.func("HMAC_Update", i, [p, p, "uint64"]),
      HMAC_Final: library.func("HMAC_Final", i, [p, p, p]),
    }
  } catch (error) {
    return `this Node does not show the OpenSSL that it has: ${firstLine(error)}`
  }
}
