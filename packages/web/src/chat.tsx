import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { type ChatEntry, TEXT_MAX } from "./chat-store.ts"
import { AttachIcon, SendIcon } from "./icons.tsx"
import { lazy } from "./lazy.tsx"
import { PanelHeader } from "./panel.tsx"
import type { RoomStore } from "./room-store.ts"

const FileCard = lazy(() => import("./file-card.tsx").then(({ FileCard }) => FileCard))

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
          entries.map((entry, i) => (
            <Entry key={entry.id} entry={entry} before={entries[i - 1]} store={store} />
          ))
        )}
      </div>
      <Composer onSay={text => void store.say(text)} onFiles={files => void store.sendFiles(files)} />
    </>
  )
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" })

interface EntryProps {
  entry: ChatEntry
  before: ChatEntry | undefined
  store: RoomStore
}

function Entry({ entry, before, store }: EntryProps) {
  const { kind, name, text, at, from, failed } = entry
  if (kind === "notice")
    return (
      <p class="chat-notice">
        <bdi>{name}</bdi>
        <span>{text}</span>
        <time class="figures">{clock.format(at)}</time>
      </p>
    )
  const continues =
    before !== undefined && before.kind !== "notice" && before.from === from && at - before.at < TOGETHER
  return (
    <div class="chat-message" data-own={from === "self"} data-continues={continues}>
      {!continues && (
        <p class="chat-who">
          <bdi>{name}</bdi>
          <time class="figures">{clock.format(at)}</time>
        </p>
      )}
      {kind === "file" ? (
        store.desk.value && (
          <FileCard desk={store.desk.value} id={text} nameOf={participant => store.nameOf(participant)} />
        )
      ) : (
        <p class="chat-text" dir="auto">
          {text}
        </p>
      )}
      {failed && <p class="chat-failed">Not sent.</p>}
    </div>
  )
}

interface ComposerProps {
  onSay: (text: string) => void
  onFiles: (files: File[]) => void
}

function Composer({ onSay, onFiles }: ComposerProps) {
  const chooser = useRef<HTMLInputElement>(null)
  const [text, setText] = useState("")
  const field = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => field.current?.focus({ preventScroll: true }), [])
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
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        data-testid="file-input"
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])])
          currentTarget.value = ""
        }}
      />
      <button
        type="button"
        class="composer-attach"
        aria-label="Send files to everybody"
        title="Send files"
        data-testid="attach"
        onClick={() => chooser.current!.click()}
      >
        <AttachIcon />
      </button>
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
        onPaste={event => {
          const files = [...(event.clipboardData?.files ?? [])]
          if (files.length === 0) return
          event.preventDefault()
          onFiles(files)
        }}
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
