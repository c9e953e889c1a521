/** An answer that is not what was asked for: what was wrong, and what to do. Handlers throw it. */
export class HttpError extends Error {
  override readonly name = "HttpError"
  /** 400–599. */
  readonly status: number
  /** Stable: programs may match on it. */
  readonly code: string
  readonly hint: string
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    hint: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
    this.headers = headers
  }
}
