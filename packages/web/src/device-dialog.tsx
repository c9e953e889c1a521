import { useEffect, useRef, useState } from "preact/hooks"
import type { DeviceKind } from "./device-problems.ts"
import { remember } from "./memory.ts"
import { PanelHeader } from "./panel.tsx"
import type { RoomStore } from "./room-store.ts"

const KINDS: readonly (readonly [DeviceKind, MediaDeviceKind, string])[] = [
  ["microphone", "audioinput", "Microphone"],
  ["camera", "videoinput", "Camera"],
]

/** Another camera or microphone, without leaving the call. */
export function DeviceDialog({ store, onClose }: { store: RoomStore; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const devices = useDeviceList()
  useEffect(() => dialog.current!.showModal(), [])
  return (
    <dialog
      class="dialog"
      ref={dialog}
      aria-label="Devices"
      onClose={onClose}
      onClick={event => {
        if (event.target === dialog.current) dialog.current!.close()
      }}
    >
      <div class="dialog-body">
        <PanelHeader title="Devices" onClose={() => dialog.current!.close()} />
        {KINDS.map(([kind, input, label]) => {
          const options = devices.filter(device => device.kind === input && device.deviceId !== "")
          const used = store.snapshot.value.publications.find(({ source }) => source === kind)
          const chosen = used?.track.getSettings().deviceId ?? ""
          return (
            <div class="dialog-row" key={kind}>
              <label class="label" for={`in-call-${kind}`}>
                {label}
              </label>
              <select
                id={`in-call-${kind}`}
                class="select"
                value={chosen}
                disabled={options.length === 0}
                onChange={event => {
                  const id = event.currentTarget.value
                  remember(kind === "camera" ? { cameraId: id } : { microphoneId: id })
                  void store.switchDevice(kind, id)
                }}
              >
                {!options.some(({ deviceId }) => deviceId === chosen) && (
                  <option value={chosen}>
                    {options.length === 0 ? `No ${kind} found` : `Choose a ${kind}`}
                  </option>
                )}
                {options.map(({ deviceId, label }, i) => (
                  <option key={deviceId} value={deviceId}>
                    {label || `${kind} ${i + 1}`}
                  </option>
                ))}
              </select>
            </div>
          )
        })}
      </div>
    </dialog>
  )
}

/** The devices there are, as they come and go. */
function useDeviceList(): readonly MediaDeviceInfo[] {
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([])
  useEffect(() => {
    const media = navigator.mediaDevices as MediaDevices | undefined
    if (media === undefined) return undefined
    const list = (): void => void media.enumerateDevices().then(setDevices, () => {})
    list()
    media.addEventListener("devicechange", list)
    return () => media.removeEventListener("devicechange", list)
  }, [])
  return devices
}
