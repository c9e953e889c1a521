import { useEffect } from "preact/hooks"

/** Keeps the screen on while the page is seen: nobody touches a phone that shows a face. */
export function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined
    let over = false
    const hold = (): void => {
      const wakeLock = navigator.wakeLock as WakeLock | undefined
      if (document.visibilityState !== "visible" || wakeLock === undefined) return
      wakeLock.request("screen").then(
        held => {
          if (over) void held.release()
          else lock = held
        },
        // A low battery may refuse it: then the screen goes dark as it always does.
        () => {},
      )
    }
    hold()
    document.addEventListener("visibilitychange", hold)
    return () => {
      over = true
      document.removeEventListener("visibilitychange", hold)
      void lock?.release()
    }
  }, [])
}
