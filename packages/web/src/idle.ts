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
    let away = false
    let onlyWakes = false
    const stepBack = (): void => {
      if (document.querySelector(IN_USE)) timer = setTimeout(stepBack, PATIENCE)
      else {
        away = true
        setIdle(true)
      }
    }
    const stir = (): void => {
      clearTimeout(timer)
      away = false
      setIdle(false)
      timer = setTimeout(stepBack, PATIENCE)
    }
    // A finger that cannot see the buttons must not press one: its first tap only brings them back.
    const touch = ({ pointerType }: PointerEvent): void => {
      onlyWakes = away && pointerType === "touch"
    }
    const click = (event: MouseEvent): void => {
      if (!onlyWakes) return
      onlyWakes = false
      event.preventDefault()
      event.stopPropagation()
    }
    stir()
    document.addEventListener("pointerdown", touch, { capture: true })
    document.addEventListener("click", click, { capture: true })
    for (const event of STIRRING) document.addEventListener(event, stir, { passive: true })
    return () => {
      clearTimeout(timer)
      document.removeEventListener("pointerdown", touch, { capture: true })
      document.removeEventListener("click", click, { capture: true })
      for (const event of STIRRING) document.removeEventListener(event, stir)
    }
  }, [held])
  return idle
}

const IN_USE =
  ".controls :focus-visible, .call-header :focus-visible, .controls :hover, .popover:popover-open"
const STIRRING = ["pointermove", "pointerdown", "keydown", "focusin", "wheel"] as const
