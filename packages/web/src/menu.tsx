import type { ComponentChildren } from "preact"

interface MenuItemProps {
  icon: ComponentChildren
  /** The key that does the same. */
  shortcut?: string
  /** For what is on or off. */
  pressed?: boolean
  testid?: string
  class?: string
  onClick: () => void
  children: ComponentChildren
}

/** One line of a menu. */
export function MenuItem({ icon, shortcut, pressed, testid, onClick, ...rest }: MenuItemProps) {
  return (
    <button
      type="button"
      class={`menu-item ${rest.class ?? ""}`}
      onClick={onClick}
      {...(testid && { "data-testid": testid })}
      {...(pressed !== undefined && { role: "switch", "aria-checked": pressed })}
      {...(shortcut && { "aria-keyshortcuts": shortcut })}
    >
      {icon}
      <span class="menu-words">{rest.children}</span>
      {pressed !== undefined && <i class="switch" aria-hidden="true" />}
      {shortcut && <kbd aria-hidden="true">{shortcut}</kbd>}
    </button>
  )
}
