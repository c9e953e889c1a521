import type { RoomState, TightbeamError } from "@tightbeam/client"
import { useEffect, useMemo, useRef } from "react"
import { Presence } from "./presence.ts"
import { useRoom } from "./room.ts"
import { useSnapshot } from "./snapshot.ts"

export interface Joined {
  readonly status: RoomState["status"]
  /** Why it is closed, or is being connected to again. */
  readonly reason: TightbeamError | undefined
  /** ms on performance.now() at which the next try is due, while reconnecting. */
  readonly retryAt: number | undefined
  /** Joins again after it was closed; otherwise does nothing. */
  readonly rejoin: () => void
}

/**
 * Is in the room named for as long as the component is there, and leaves with it. Another name of a room leaves the
 * one and joins the other; another name of the person renames. Joins once under StrictMode too. Nothing is
 * thrown: a failure is `reason`, with `status: "closed"`.
 */
export function useJoin(name: string, { as }: { readonly as: string }): Joined {
  const room = useRoom()
  const person = useRef(as)
  const presence = useMemo(() => new Presence(room, () => person.current), [room])
  useEffect(() => {
    if (person.current === as) return
    person.current = as
    void room.rename(as)
  }, [room, as])
  useEffect(() => {
    presence.want(name)
    return () => presence.want(undefined)
  }, [presence, name])
  const { status, reason, retryAt } = useSnapshot().state
  return { status, reason, retryAt, rejoin: () => presence.rejoin() }
}
