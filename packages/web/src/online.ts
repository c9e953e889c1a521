import { signal } from "@preact/signals"
import { isOnlyThisComputer } from "./share-link.ts"

/**
 * Whether there is a network to reach the server by, as far as the browser knows. A server on this computer needs none.
 */
export const online = signal(true)

if (typeof location !== "undefined" && !isOnlyThisComputer(location.hostname)) {
  online.value = navigator.onLine
  addEventListener("online", () => (online.value = true))
  addEventListener("offline", () => (online.value = false))
}
