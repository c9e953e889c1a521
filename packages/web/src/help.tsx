import { useEffect, useRef } from "preact/hooks"
import { PanelHeader } from "./panel.tsx"
import { type Action, SHORTCUTS } from "./shortcuts.ts"

/** The keys of the call page. */
export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current!.showModal(), [])
  return (
    <dialog
      class="dialog"
      ref={dialog}
      aria-label="Keyboard shortcuts"
      onClose={onClose}
      onClick={event => {
        if (event.target === dialog.current) dialog.current!.close()
      }}
    >
      <div class="dialog-body">
        <PanelHeader title="Keyboard shortcuts" onClose={() => dialog.current!.close()} />
        <dl>
          {(Object.keys(SHORTCUTS) as Action[]).map(action => (
            <div key={action}>
              <dt>
                <kbd>{SHORTCUTS[action].key}</kbd>
              </dt>
              <dd>{SHORTCUTS[action].does}</dd>
            </div>
          ))}
          <div>
            <dt>
              <kbd>Esc</kbd>
            </dt>
            <dd>Close a panel</dd>
          </div>
        </dl>
      </div>
    </dialog>
  )
}
