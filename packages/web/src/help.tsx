import { useEffect, useRef, useState } from "preact/hooks"
import { recall, remember } from "./memory.ts"
import { PanelHeader } from "./panel.tsx"
import { type Action, SHORTCUTS } from "./shortcuts.ts"

/** The keys of the call page. */
export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [on, setOn] = useState(recall().shortcuts)
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
        <label class="check">
          <input
            type="checkbox"
            data-testid="shortcuts"
            checked={on}
            onChange={event => {
              remember({ shortcuts: event.currentTarget.checked })
              setOn(event.currentTarget.checked)
            }}
          />
          Single keys do something
        </label>
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
