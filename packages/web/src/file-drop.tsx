import { useEffect, useState } from "preact/hooks"
import type { RoomStore } from "./room-store.ts"

/** Files that are dropped anywhere on the call are offered to everybody. */
export function FileDrop({ store }: { store: RoomStore }) {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const carriesFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false
    const drag = (event: DragEvent): void => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent): void => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(false)
      void store.sendFiles([...(event.dataTransfer?.files ?? [])])
    }
    document.addEventListener("dragover", drag)
    document.addEventListener("dragleave", leave)
    document.addEventListener("drop", drop)
    return () => {
      document.removeEventListener("dragover", drag)
      document.removeEventListener("dragleave", leave)
      document.removeEventListener("drop", drop)
    }
  }, [store])
  if (!over) return null
  return (
    <div class="file-drop" data-testid="file-drop">
      <p>Drop to offer it to everybody</p>
    </div>
  )
}
