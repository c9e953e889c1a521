import { TightbeamError } from "./errors.ts"

export function aborted(cause: unknown): TightbeamError {
  return new TightbeamError(
    "aborted",
    "Joining was given up before it was done.",
    "Join again, or give it more time.",
    { cause },
  )
}

export function left(): TightbeamError {
  return new TightbeamError("aborted", "The room was left before it was done.", "Join again.")
}

export function notSupported(cause: unknown): TightbeamError {
  return new TightbeamError(
    "not-supported",
    `This browser makes no peer connections (${String(cause)}).`,
    "A policy or an extension may forbid them; try another browser.",
    { cause },
  )
}

export function noSuchParticipant(id: string): TightbeamError {
  return new TightbeamError(
    "no-such-participant",
    `Nobody of the id ${id} is in the room.`,
    "They may have just left.",
  )
}
