import type { ErrorCode as ServerErrorCode } from "./messages.ts"

/** Every code that the SDK throws or reports. Stable: programs may match on them. */
export type TightbeamErrorCode =
  | ServerErrorCode
  | "insecure-context"
  | "permission-denied"
  | "device-not-found"
  | "device-in-use"
  | "device-failed"
  | "screen-cancelled"
  | "server-unreachable"
  | "connection-lost"
  | "aborted"
  | "not-supported"
  | "message-too-large"
  | "send-queue-full"
  | "token-failed"
  | "file-too-many"
  | "file-too-large"
  | "file-cancelled"
  | "file-unreadable"
  | "file-corrupt"
  | "file-not-saved"
  | "file-peer-left"

/** Where each code is explained. */
const DOCS = "https://github.com/tightbeam/tightbeam/blob/main/docs/errors.md"

/** The one error type of the SDK: `message` says what is wrong, `hint` what to do. */
export class TightbeamError extends Error {
  override readonly name = "TightbeamError"
  readonly code: TightbeamErrorCode
  readonly hint: string

  constructor(code: TightbeamErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.hint = hint
  }

  /** The page that explains this code. */
  get link(): string {
    return `${DOCS}#${this.code}`
  }
}
