/** The command line is wrong; the message says what is legal. */
export class UsageError extends Error {
  override readonly name = "UsageError"
}
