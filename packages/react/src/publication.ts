import { TightbeamError } from "@tightbeam/client"
import { useCallback, useMemo, useRef, useState } from "react"
import { useRoom } from "./room.ts"
import { useSnapshot } from "./snapshot.ts"
import { Switching } from "./switching.ts"

export interface Switch {
  readonly on: boolean
  /** Being switched: the browser may be asking. */
  readonly busy: boolean
  /** What is sent; `undefined` before the first time. */
  readonly track: MediaStreamTrack | undefined
  /** Why it could not be switched the last time. */
  readonly error: TightbeamError | undefined
  /** Publishes, mutes and unmutes; a screen is published and taken back. */
  readonly toggle: () => void
  /** Another device of the kind. */
  readonly choose: (deviceId: string) => void
}

/** One's own camera, microphone or screen as a switch. The devices are let go of when the room is left. */
export function usePublication(source: "camera" | "microphone" | "screen"): Switch {
  const room = useRoom()
  const switching = useMemo(() => new Switching(room, source), [room, source])
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<TightbeamError>()
  const view = useSnapshot().publications.find(each => each.source === source)

  const working = useRef(false)
  const work = useCallback(async (act: () => Promise<unknown>): Promise<void> => {
    if (working.current) return
    working.current = true
    setBusy(true)
    setError(undefined)
    try {
      await act()
    } catch (cause) {
      if (!(cause instanceof TightbeamError)) throw cause
      // Who closes the browser's dialog knows that they did.
      if (cause.code !== "screen-cancelled") setError(cause)
    } finally {
      working.current = false
      setBusy(false)
    }
  }, [])

  const toggle = useCallback(() => void work(() => switching.toggle()), [switching, work])
  const choose = useCallback(
    (deviceId: string) => void work(() => switching.choose(deviceId)),
    [switching, work],
  )
  return { on: view !== undefined && !view.muted, busy, track: view?.track, error, toggle, choose }
}
