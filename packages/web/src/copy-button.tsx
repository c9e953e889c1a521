import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import { CheckIcon, LinkIcon } from "./icons.tsx"

/** Puts text on the clipboard and says so. Without a clipboard (an insecure page), selects it to be copied by hand. */
export function useCopy(text: string): { copied: boolean; copy: () => void } {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = (): void => {
    const clipboard = navigator.clipboard as Clipboard | undefined
    if (clipboard === undefined) prompt("Copy this link:", text)
    else
      clipboard.writeText(text).then(
        () => setCopied(true),
        () => prompt("Copy this link:", text),
      )
  }
  return { copied, copy }
}

/** A button that copies a link. */
export function CopyButton({
  text,
  class: name,
  children,
}: {
  text: string
  class: string
  children: ComponentChildren
}) {
  const { copied, copy } = useCopy(text)
  return (
    <button type="button" class={name} onClick={copy}>
      {copied ? <CheckIcon /> : <LinkIcon />}
      <span aria-live="polite">{copied ? "Copied" : children}</span>
    </button>
  )
}
