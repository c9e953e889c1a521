import { useEffect, useState } from "react"
import { useRoom } from "./room.ts"

/**
 * The cameras, microphones or speakers of this computer, as they come and go. Their names are empty until the page
 * has been allowed to use one of the kind; none where the page is not secure.
 */
export function useDevices(kind: MediaDeviceKind): readonly MediaDeviceInfo[] {
  const room = useRoom()
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([])
  useEffect(() => {
    const media: MediaDevices | undefined = navigator.mediaDevices
    if (media === undefined) return undefined
    let current = true
    const read = async (): Promise<void> => {
      const all = await media.enumerateDevices()
      if (current) setDevices(all.filter(device => device.kind === kind && device.deviceId !== ""))
    }
    const refresh = (): void => void read().catch(() => {})
    refresh()
    media.addEventListener("devicechange", refresh)
    // The first capture brings the permission, and with it the names; no event of the browser tells.
    const stop = room.on("publication", refresh)
    return () => {
      current = false
      stop()
      media.removeEventListener("devicechange", refresh)
    }
  }, [room, kind])
  return devices
}
