/** One key each, in the order the help shows them. */
export const SHORTCUTS = {
  microphone: { key: "M", does: "Microphone on or off" },
  camera: { key: "V", does: "Camera on or off" },
  screen: { key: "S", does: "Share your screen, or stop" },
  chat: { key: "C", does: "Chat" },
  timeline: { key: "T", does: "Timeline of the connections" },
  pin: { key: "P", does: "Pin the tile in focus, or who speaks; again unpins" },
  captions: { key: "U", does: "Captions on or off" },
  audioOnly: { key: "A", does: "Audio only, or pictures again" },
  picture: { key: "I", does: "Picture in picture" },
  leave: { key: "L", does: "Leave the call" },
  help: { key: "?", does: "This list" },
} as const satisfies Readonly<Record<string, { readonly key: string; readonly does: string }>>

export type Action = keyof typeof SHORTCUTS

/** What of a key press decides. */
export interface KeyPress {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly repeat: boolean
  /** The focus is where letters are text, or a dialog is open. */
  readonly typing: boolean
}

/** What a key does on the call page, if anything: never while typing, never with a modifier. */
export function actionFor(press: KeyPress): Action | undefined {
  if (press.typing || press.repeat || press.ctrlKey || press.metaKey || press.altKey) return undefined
  const key = press.key.toUpperCase()
  return (Object.keys(SHORTCUTS) as Action[]).find(action => SHORTCUTS[action].key === key)
}

/** Whether letters typed into this element are text. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || target.matches("input, textarea, select, dialog *")
}
