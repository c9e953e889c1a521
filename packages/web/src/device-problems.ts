export type DeviceKind = "camera" | "microphone"

export type ProblemKind =
  | "insecure"
  | "denied"
  | "not-found"
  | "in-use"
  | "over-constrained"
  | "timeout"
  | "unknown"

/** Why there is no picture or no sound from here, and what to do about it. */
export interface DeviceProblem {
  readonly kind: ProblemKind
  readonly title: string
  /** Ends with what can be done; joining is always possible. */
  readonly advice: string
}

/** What the page may open instead, when the browser hides cameras because the connection is not secure. */
export function secureAddress(href: string): string {
  const url = new URL(href)
  url.protocol = "https:"
  return url.href
}

const KINDS: Readonly<Record<string, ProblemKind>> = {
  NotAllowedError: "denied",
  PermissionDeniedError: "denied",
  SecurityError: "denied",
  NotFoundError: "not-found",
  DevicesNotFoundError: "not-found",
  NotReadableError: "in-use",
  TrackStartError: "in-use",
  OverconstrainedError: "over-constrained",
  ConstraintNotSatisfiedError: "over-constrained",
  TimeoutError: "timeout",
  AbortError: "timeout",
}

/** The kind behind what getUserMedia threw. */
export function problemKind(error: unknown): ProblemKind {
  const name = error instanceof Error ? error.name : ""
  return KINDS[name] ?? "unknown"
}

/** The words for a kind. `devices`: what is missing; `href`: the page's address. */
export function describeProblem(
  kind: ProblemKind,
  devices: readonly DeviceKind[],
  href: string,
): DeviceProblem {
  const what = devices.join(" and ")
  const anyway = `You can join anyway; the others won’t ${consequence(devices)} you.`
  const say = (title: string, advice: string): DeviceProblem => ({
    kind,
    title,
    advice: `${advice} ${anyway}`,
  })
  switch (kind) {
    case "insecure":
      return say(
        "This page is not secure, so the browser hides your devices",
        `Cameras and microphones need https, or localhost on this same computer. Open ${secureAddress(href)} instead.`,
      )
    case "denied":
      return say(
        `The browser may not use your ${what}`,
        `Allow the ${what} for this page at the left end of the address bar; if it is allowed there, look in your system’s privacy settings. Then try again.`,
      )
    case "not-found":
      return say(
        `No ${devices.join(" or ")} found`,
        "Plug one in: it appears here by itself. If it is plugged in already, check that your system sees it.",
      )
    case "in-use":
      return say(
        `Your ${what} ${devices.length > 1 ? "are" : "is"} in use`,
        "Another program has it. Close other calls and camera programs, then try again.",
      )
    case "over-constrained":
      return say(
        `Your ${what} cannot do what was asked`,
        "The one you chose may have been unplugged. Choose another, or try again.",
      )
    case "timeout":
      return say(
        `Your ${what} did not start in time`,
        "Unplug it and plug it in again, or choose another. Then try again.",
      )
    case "unknown":
      return say(`Your ${what} could not be started`, "Reload the page or choose another device.")
  }
}

function consequence(devices: readonly DeviceKind[]): string {
  if (devices.length > 1) return "see or hear"
  return devices[0] === "camera" ? "see" : "hear"
}
