import { useCallback, useEffect, useState } from "react"
import { useRoom } from "./room.ts"

/** A message of the topic, from another participant or (`from: "self"`) from this page. */
export interface ReceivedMessage {
  readonly from: string
  /** From another participant it is a JSON value or bytes of any shape: check it before use. */
  readonly data: unknown
  /** Date.now() of when it came. */
  readonly at: number
}

/** The latest so many messages are kept. */
const KEPT = 500

/**
 * The messages of a topic since the component is there, the latest `keep` (default 500) of them, and how to send
 * one to everybody. `send` rejects with a `TightbeamError`; what it rejects is not among the messages.
 */
export function useMessages(
  topic: string,
  { keep = KEPT }: { readonly keep?: number } = {},
): readonly [messages: readonly ReceivedMessage[], send: (data: unknown) => Promise<void>] {
  const room = useRoom()
  const [messages, setMessages] = useState<readonly ReceivedMessage[]>([])
  const add = useCallback(
    (from: string, data: unknown) =>
      setMessages(messages => [...messages, { from, data, at: Date.now() }].slice(-keep)),
    [keep],
  )
  useEffect(
    () =>
      room.on("message", message => {
        if (message.topic === topic) add(message.from, message.data)
      }),
    [room, topic, add],
  )
  const send = useCallback(
    async (data: unknown): Promise<void> => {
      await room.send(topic, data)
      add("self", data)
    },
    [room, topic, add],
  )
  return [messages, send]
}
