import type { Socket } from "node:net"

/** Enough to tell all protocols apart; none may need more. */
const MOST_BYTES = 16

export interface FirstBytesHandlers {
  /**
   * Looks at what has come, at least one byte. Returns what to do with the socket, which has all bytes again then,
   * or `undefined` to be asked again when there are more.
   */
  readonly look: (head: Uint8Array) => (() => void) | undefined
  /** The connection ended, or said too little for too long. */
  readonly giveUp: () => void
}

/** Waits for the first bytes of a connection that nobody reads from, for `patience` ms at most. */
export function awaitFirstBytes(
  socket: Socket,
  patience: number,
  { look, giveUp }: FirstBytesHandlers,
): void {
  let head: Uint8Array | undefined
  const stop = (): void => {
    clearTimeout(timer)
    socket.off("readable", read)
    socket.off("end", end)
    socket.off("close", stop)
  }
  const end = (): void => {
    stop()
    giveUp()
  }
  const timer = setTimeout(end, patience)
  const read = (): void => {
    const bytes = socket.read() as Uint8Array | null
    if (bytes === null) return
    head = head === undefined ? bytes : Buffer.concat([head, bytes])
    const act = look(head)
    if (act !== undefined) {
      stop()
      socket.unshift(head)
      act()
    } else if (head.length >= MOST_BYTES) end()
  }
  socket.on("readable", read)
  socket.once("end", end)
  socket.once("close", stop)
}
