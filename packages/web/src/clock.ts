import { useEffect, useState } from "preact/hooks"

/** performance.now(), kept moving while something on the page is running. */
export function useNow(running: boolean, every = 200): number {
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    if (!running) return undefined
    setNow(performance.now())
    const timer = setInterval(() => setNow(performance.now()), every)
    return () => clearInterval(timer)
  }, [running, every])
  return now
}
