import type { ComponentChildren } from "preact"
import { useId, useRef, useState } from "preact/hooks"

interface PopoverProps {
  /** What the button and the box are called. */
  label: string
  class: string
  testid?: string
  /** What the button shows. */
  face: ComponentChildren
  /** What the box holds, made when it opens. */
  children: (choose: Choose) => ComponentChildren
}

/** What a click on a choice in the box does: closes it, then acts. */
export type Choose = (act: () => void) => () => void

/** A button with a box: in the top layer, closed by Escape or by a click elsewhere. The style places it. */
export function Popover({ label, class: name, testid, face, children }: PopoverProps) {
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const choose: Choose = act => () => {
    box.current?.hidePopover()
    act()
  }
  return (
    <>
      <button
        type="button"
        class={name}
        aria-label={label}
        aria-expanded={open}
        popovertarget={id}
        {...(testid && { "data-testid": testid })}
      >
        {face}
      </button>
      <div
        id={id}
        ref={box}
        class="popover"
        popover="auto"
        role="group"
        aria-label={label}
        onBeforeToggle={event => event.newState === "open" && setOpen(true)}
        onToggle={event => event.newState === "closed" && setOpen(false)}
      >
        {open && children(choose)}
      </div>
    </>
  )
}
