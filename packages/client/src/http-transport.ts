import type { Transport, TransportHandlers } from "./environment.ts"

/** Names the connection that a POST speaks for. */
export const CONNECTION_HEADER = "tightbeam-connection"

/**
 * Messages travel together up to this many characters: a body of so many may outlive its page (the Fetch standard's limit
 * is 64 KiB for all that do), and is not too large for any server (the least that one may be told to take).
 */
const TOGETHER = 16_384

/** Signaling where no WebSocket gets through: an answer that does not end, and a POST for what we say. */
export function httpTransport(url: string, handlers: TransportHandlers): Transport {
  const stream = new AbortController()
  let connection: string | undefined
  let closed = false
  const waiting: string[] = []
  let sending: Promise<void> | undefined

  const end = (): void => {
    if (closed) return
    closed = true
    stream.abort()
    handlers.closed()
  }

  async function read(): Promise<void> {
    const { ok, body } = await fetch(new URL("/signal/stream", url), {
      cache: "no-store",
      signal: stream.signal,
    })
    if (!ok || body === null) return
    const reader = body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ""
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + value).split("\n")
      rest = lines.pop()!
      for (const line of lines) {
        if (closed) return
        if (connection !== undefined) handlers.message(line)
        else {
          connection = (JSON.parse(line) as { connection: string }).connection
          handlers.opened()
        }
      }
    }
  }

  /** One POST at a time, so that none overtakes. */
  async function send(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      let body = next
      while (waiting.length > 0 && body.length + waiting[0]!.length < TOGETHER) body += `\n${waiting.shift()}`
      const { ok } = await fetch(new URL("/signal/send", url), {
        method: "POST",
        headers: { [CONNECTION_HEADER]: connection! },
        body,
        keepalive: body.length <= TOGETHER,
      })
      if (!ok) return end()
    }
  }

  read().then(end, end)

  return {
    send: text => {
      waiting.push(text)
      sending ??= send()
        .catch(end)
        .finally(() => {
          sending = undefined
        })
    },
    close: () => {
      closed = true
      // The stream's end is the connection's: what was said before goes first.
      if (sending === undefined) stream.abort()
      else void sending.finally(() => stream.abort())
    },
  }
}
