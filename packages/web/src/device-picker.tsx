import type { DeviceKind } from "./device-problems.ts"
import type { Devices } from "./devices.ts"

const LABEL: Readonly<Record<DeviceKind, string>> = { camera: "Camera", microphone: "Microphone" }

/** Chooses among the cameras or microphones, and offers one that was just plugged in. */
export function DevicePicker({ kind, devices }: { kind: DeviceKind; devices: Devices }) {
  const { options, chosen, arrived, track, problem } = devices[kind]
  const choose = (id: string): void => void devices.choose(kind, id)
  const usable = options.value.filter(({ id }) => id !== "")
  const none =
    problem.value === "insecure"
      ? "Hidden by the browser"
      : options.value.length === 0
        ? `No ${kind} found`
        : `Your ${kind}s show once they are allowed`
  return (
    <div class="picker">
      <label class="label" for={`pick-${kind}`}>
        {LABEL[kind]}
      </label>
      <select
        id={`pick-${kind}`}
        class="select"
        value={chosen.value}
        disabled={usable.length === 0}
        onChange={event => choose(event.currentTarget.value)}
      >
        {usable.length === 0 && <option value="">{none}</option>}
        {usable.length > 0 && track.value === undefined && !usable.some(({ id }) => id === chosen.value) && (
          <option value={chosen.value}>Choose a {kind}</option>
        )}
        {usable.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
      {arrived.value && (
        <p class="arrived" role="status">
          <span>
            New: <bdi>{arrived.value.label}</bdi>
          </span>
          <button type="button" class="button small" onClick={() => choose(arrived.value!.id)}>
            Use it
          </button>
        </p>
      )}
    </div>
  )
}
