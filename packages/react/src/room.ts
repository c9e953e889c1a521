import type { Room } from "@tightbeam/client"
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from "react"

const RoomContext = createContext<Room | undefined>(undefined)

export interface RoomProviderProps {
  /** Made once, outside of rendering or in `useState(() => new Room(…))`. */
  readonly room: Room
  readonly children?: ReactNode
}

/** Gives a `Room` to the hooks below it. */
export function RoomProvider({ room, children }: RoomProviderProps): ReactElement {
  return createElement(RoomContext.Provider, { value: room }, children)
}

/** The `Room` of the nearest `RoomProvider`. Throws where there is none. */
export function useRoom(): Room {
  const room = useContext(RoomContext)
  if (room === undefined) throw new Error("There is no room here. Put <RoomProvider room={…}> around it.")
  return room
}
