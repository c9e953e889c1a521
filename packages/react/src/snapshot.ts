import type { RemoteParticipant, RoomSnapshot } from "@tightbeam/client"
import { useCallback, useSyncExternalStore } from "react"
import { useRoom } from "./room.ts"

/** All of the room at this moment; renders again when any of it changes. */
export function useSnapshot(): RoomSnapshot {
  const room = useRoom()
  const subscribe = useCallback((changed: () => void) => room.subscribe(changed), [room])
  const snapshot = useCallback(() => room.snapshot(), [room])
  return useSyncExternalStore(subscribe, snapshot, snapshot)
}

/** The others, in the order they joined. */
export function useParticipants(): readonly RemoteParticipant[] {
  return useSnapshot().participants
}

/** One of the others; `undefined` once they have left. */
export function useParticipant(id: string): RemoteParticipant | undefined {
  return useParticipants().find(participant => participant.id === id)
}
