/** What the browser remembers for a person between calls. A browser that refuses storage just forgets. */
export interface Memory {
  readonly name: string
  readonly cameraId: string
  readonly microphoneId: string
  readonly cameraOn: boolean
  readonly microphoneOn: boolean
  /** Whether single keys do something on the call page (WCAG 2.1.4). */
  readonly shortcuts: boolean
}

const KEY = "tightbeam"
const BLANK: Memory = {
  name: "",
  cameraId: "",
  microphoneId: "",
  cameraOn: true,
  microphoneOn: true,
  shortcuts: true,
}

export function recall(): Memory {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}")
    return { ...BLANK, ...(typeof stored === "object" ? stored : {}) }
  } catch {
    return BLANK
  }
}

export function remember(change: Partial<Memory>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...recall(), ...change }))
  } catch {
    // Private windows may refuse: the next visit asks again.
  }
}
