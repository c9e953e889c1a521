import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { type ChatEntry, TEXT_MAX } from "./chat-store.ts"
import { SendIcon } from "./icons.tsx"
import { PanelHeader } from "./panel.tsx"
import type { RoomStore } from "./room-store.ts"

/** Messages within this time of each other are one block, ms. */
const TOGETHER = 120_000

/** The chat: what people wrote since you came, as plain text. */
export function Chat({ store }: { store: RoomStore }) {
  const entries = store.chat.entries.value
  const log = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    log.current!.scrollTop = log.current!.scrollHeight
  }, [entries])
  return (
    <>
      <PanelHeader title="Chat" onClose={() => store.show("chat")} />
      <div class="chat-log" ref={log} data-testid="chat-log" role="log" aria-label="Messages" tabIndex={0}>
        {entries.length === 0 ? (
          <p class="panel-empty">
            <strong>No messages yet</strong>
            <span>They go straight to everybody who is here now, and are gone when the call is over.</span>
          </p>
        ) : (
          entries.map((entry, i) => <Entry key={entry.id} entry={entry} before={entries[i - 1]} />)
        )}
      </div>
      <Composer onSay={text => void store.say(text)} />
    </>
  )
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" })

function Entry({ entry, before }: { entry: ChatEntry; before: ChatEntry | undefined }) {
  const { kind, name, text, at, from, failed } = entry
  if (kind === "notice")
    return (
      <p class="chat-notice">
        <bdi>{name}</bdi>
        <span>{text}</span>
        <time class="figures">{clock.format(at)}</time>
      </p>
    )
  const continues = before?.kind === "message" && before.from === from && at - before.at < TOGETHER
  return (
    <div class="chat-message" data-own={from === "self"} data-continues={continues}>
      {!continues && (
        <p class="chat-who">
          <bdi>{name}</bdi>
          <time class="figures">{clock.format(at)}</time>
        </p>
      )}
      <p class="chat-text" dir="auto">
        {text}
      </p>
      {failed && <p class="chat-failed">Not sent.</p>}
    </div>
  )
}

function Composer({ onSay }: { onSay: (text: string) => void }) {
  const [text, setText] = useState("")
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus({ preventScroll: true }), [])
  useLayoutEffect(() => {
    const { style } = field.current!
    style.height = "auto"
    style.height = `${field.current!.scrollHeight}px`
  }, [text])
  const say = (): void => {
    onSay(text)
    setText("")
    field.current!.focus()
  }
  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        say()
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={text}
        data-testid="chat-input"
        aria-label="Message to everybody"
        placeholder="Message to everybody"
        maxLength={TEXT_MAX}
        enterkeyhint="send"
        dir="auto"
        onInput={event => setText(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
          event.preventDefault()
          say()
        }}
      />
      <button type="submit" class="composer-send" aria-label="Send" disabled={text.trim() === ""}>
        <SendIcon />
      </button>
    </form>
  )
}
