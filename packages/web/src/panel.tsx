import { CloseIcon } from "./icons.tsx"

export function PanelHeader({ title, onClose }: { title: string; onClose: () => void }) {
  return (
    <header class="panel-header">
      <h2>{title}</h2>
      <button type="button" class="ghost" aria-label={`Close ${title.toLowerCase()}`} onClick={onClose}>
        <CloseIcon />
      </button>
    </header>
  )
}
