/** What was asked for could not be done: why, and lines that say what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError"
  readonly hints: readonly string[]

  constructor(message: string, hints: readonly string[], options?: ErrorOptions) {
    super(message, options)
    this.hints = hints
  }
}
