/** What the process ends with. */
export const EXIT = {
  /** Done, or drained after a signal. */
  ok: 0,
  /** Could not start, or could not do what was asked: the message says why. */
  failed: 1,
  /** The configuration or the command line is wrong: nothing was started. */
  usage: 2,
  /** A second signal ended it at once. */
  forced: 130,
} as const
