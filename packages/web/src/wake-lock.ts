import { useEffect } from "preact/hooks"

/** Keeps the screen on while the page is seen: nobody touches a phone that shows a face. */
export function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined
    let over = false
    const hold = async (): Promise<void> => {
      const wakeLock = navigator.wakeLock as WakeLock | undefined
      if (document.visibilityState !== "visible") return
      // A low battery may refuse it: then the screen goes dark as it always does.
      lock = await wakeLock?.request("screen").catch(() => undefined)
      if (over) await lock?.release()
    }
    const seen = (): void => void hold()
    seen()
    document.addEventListener("visibilitychange", seen)
    return () => {
      over = true
      document.removeEventListener("visibilitychange", seen)
      void lock?.release()
    }
  }, [])
}
