import { signal } from "@preact/signals"

/** Whether this device has a network at all, as far as the browser knows. */
export const online = signal((navigator as Partial<Navigator>).onLine ?? true)

if (typeof addEventListener === "function") {
  addEventListener("online", () => (online.value = true))
  addEventListener("offline", () => (online.value = false))
}
