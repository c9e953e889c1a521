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
  const several = devices.length > 1
  const texts: Readonly<Record<ProblemKind, readonly [title: string, advice: string]>> = {
    insecure: [
      "This page is not secure, so the browser hides your devices",
      `Cameras and microphones need https, or localhost on this same computer. Open ${secureAddress(href)} instead.`,
    ],
    denied: [
      `The browser may not use your ${what}`,
      `Allow the ${what} for this page at the left end of the address bar; if it is allowed there, look in your system’s privacy settings. Then try again.`,
    ],
    "not-found": [
      `No ${devices.join(" or ")} found`,
      "Plug one in: it appears here by itself. If it is plugged in already, check that your system sees it.",
    ],
    "in-use": [
      `Your ${what} ${several ? "are" : "is"} in use`,
      `Another program has ${several ? "them" : "it"}. Close other calls and camera programs, then try again.`,
    ],
    "over-constrained": [
      `Your ${what} cannot do what was asked`,
      "The one you chose may have been unplugged. Choose another, or try again.",
    ],
    timeout: [
      `Your ${what} did not start in time`,
      "Unplug and plug in again, or choose another. Then try again.",
    ],
    unknown: [`Your ${what} could not be started`, "Reload the page, or choose another device."],
  }
  const [title, advice] = texts[kind]
  return {
    kind,
    title,
    advice: `${advice} You can join anyway; the others won’t ${consequence(devices)} you.`,
  }
}

function consequence(devices: readonly DeviceKind[]): string {
  if (devices.length > 1) return "see or hear"
  return devices[0] === "camera" ? "see" : "hear"
}
