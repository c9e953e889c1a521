import { useEffect, useState } from "preact/hooks"

/** Without movement for this long the controls step back, ms. */
const PATIENCE = 4_000

/**
 * Whether nobody moves. Never while `held` (a panel or dialog is open), the pointer rests on a control, or the
 * keyboard's focus is on one.
 */
export function useIdle(held: boolean): boolean {
  const [idle, setIdle] = useState(false)
  useEffect(() => {
    setIdle(false)
    if (held) return undefined
    let timer: ReturnType<typeof setTimeout>
    const stepBack = (): void => {
      if (document.querySelector(".controls :focus-visible, .call-header :focus-visible, .controls :hover"))
        timer = setTimeout(stepBack, PATIENCE)
      else setIdle(true)
    }
    const stir = (): void => {
      clearTimeout(timer)
      setIdle(false)
      timer = setTimeout(stepBack, PATIENCE)
    }
    stir()
    for (const event of STIRRING) document.addEventListener(event, stir, { passive: true })
    return () => {
      clearTimeout(timer)
      for (const event of STIRRING) document.removeEventListener(event, stir)
    }
  }, [held])
  return idle
}

const STIRRING = ["pointermove", "pointerdown", "keydown", "focusin", "wheel"] as const
