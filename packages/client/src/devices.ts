import { TightbeamError, type TightbeamErrorCode } from "./errors.ts"

/** What to ask the browser for. */
export interface CaptureOptions {
  /** From `navigator.mediaDevices.enumerateDevices()`. */
  readonly deviceId?: string | undefined
}

/** 720p is what a call needs; asking for ideals lets any camera answer. */
const CAMERA: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
}

const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
}

/** Opens a camera or microphone. Throws a `TightbeamError` that says what stands in the way. */
export async function capture(
  what: "camera" | "microphone",
  { deviceId }: CaptureOptions = {},
): Promise<MediaStreamTrack> {
  const devices = mediaDevices()
  const chosen = deviceId === undefined ? {} : { deviceId: { exact: deviceId } }
  try {
    const stream = await devices.getUserMedia(
      what === "camera" ? { video: { ...CAMERA, ...chosen } } : { audio: { ...MICROPHONE, ...chosen } },
    )
    return stream.getTracks()[0]!
  } catch (cause) {
    throw deviceError(cause, what)
  }
}

/** Lets the person choose a screen, window or tab: its picture, and its sound where the browser gives it. */
export async function captureScreen(): Promise<MediaStreamTrack[]> {
  const devices = mediaDevices()
  if (devices.getDisplayMedia === undefined)
    throw new TightbeamError(
      "not-supported",
      "This browser cannot share a screen.",
      "Phones mostly cannot; use a computer.",
    )
  try {
    return (await devices.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: true })).getTracks()
  } catch (cause) {
    const cancelled = cause instanceof DOMException && cause.name === "NotAllowedError"
    if (cancelled)
      throw new TightbeamError(
        "screen-cancelled",
        "No screen was chosen.",
        "Choose one in the browser's dialog; on macOS the browser also needs the screen recording permission.",
        {
          cause,
        },
      )
    throw deviceError(cause, "screen")
  }
}

function mediaDevices(): MediaDevices {
  const devices: MediaDevices | undefined = navigator.mediaDevices
  if (devices === undefined)
    throw new TightbeamError(
      "insecure-context",
      "The browser gives cameras and microphones only to secure pages.",
      "Open this page by https, or on the computer itself by http://localhost.",
    )
  return devices
}

const BY_NAME: Readonly<Record<string, [code: TightbeamErrorCode, message: string, hint: string]>> = {
  NotAllowedError: [
    "permission-denied",
    "The browser or the system does not allow it.",
    "Allow it in the address bar's site settings, and in the system's privacy settings, then try again.",
  ],
  NotFoundError: ["device-not-found", "There is none.", "Plug one in, or choose another."],
  OverconstrainedError: ["device-not-found", "The chosen one is gone.", "Choose another."],
  NotReadableError: [
    "device-in-use",
    "Another program is using it, or it does not answer.",
    "Close what else may use it, or plug it in again.",
  ],
}

/** Puts a getUserMedia error into words. */
function deviceError(cause: unknown, what: "camera" | "microphone" | "screen"): TightbeamError {
  const name = cause instanceof DOMException || cause instanceof Error ? cause.name : ""
  const [code, message, hint] = BY_NAME[name] ?? [
    "device-failed",
    `It failed (${name || String(cause)}).`,
    "Try again, or choose another.",
  ]
  return new TightbeamError(code, `The ${what} cannot be opened. ${message}`, hint, { cause })
}
