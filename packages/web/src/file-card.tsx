import type { TransferView } from "@tightbeam/client/files"
import { useLayoutEffect, useRef } from "preact/hooks"
import { formatBytes } from "./bytes.ts"
import { formatDuration } from "./duration.ts"
import type { FileCard as Card, DeskView } from "./file-desk.ts"
import { FileIcon } from "./icons.tsx"

interface CardProps {
  desk: DeskView
  id: string
  nameOf: (participant: string) => string
}

/** Files in the chat: what they are, how far they are, and what can be done. */
export function FileCard({ desk, id, nameOf }: CardProps) {
  const card = desk.cards.value.get(id)
  const article = useRef<HTMLElement>(null)
  // It may have been loaded only now, after the log went to its end.
  useLayoutEffect(() => {
    const log = article.current?.closest(".chat-log")
    if (log) log.scrollTop = log.scrollHeight
  }, [])
  if (card === undefined) return null
  return (
    <article
      ref={article}
      class="file-card"
      data-testid="file-card"
      aria-label={`${card.title}, ${formatBytes(card.size)}`}
    >
      <header class="file-what">
        <FileIcon />
        <p>
          <bdi class="file-name" title={card.title}>
            {card.title}
          </bdi>
          <span class="file-size figures">{formatBytes(card.size)}</span>
        </p>
      </header>
      {card.files.length > 1 && <Contents card={card} />}
      {card.transfers.map(view => (
        <Row key={view.id} desk={desk} card={card} view={view} name={nameOf(view.peer)} />
      ))}
    </article>
  )
}

/** Names that are shown of an offer of many. */
const SHOWN = 100

function Contents({ card: { files } }: { card: Card }) {
  return (
    <details class="file-contents">
      <summary>What is in it</summary>
      <ul tabIndex={0}>
        {files.slice(0, SHOWN).map(({ path, size }) => (
          <li key={path}>
            <bdi>{path}</bdi>
            <span class="figures">{formatBytes(size)}</span>
          </li>
        ))}
        {files.length > SHOWN && <li>and {(files.length - SHOWN).toLocaleString()} more</li>}
      </ul>
    </details>
  )
}

interface RowProps {
  desk: DeskView
  card: Card
  view: TransferView
  name: string
}

function Row({ desk, card, view, name }: RowProps) {
  const { status, arrived, size } = view
  const under = status === "running" || status === "waiting"
  return (
    <div class="file-row" data-testid="file-row" data-status={status} data-direction={view.direction}>
      {under && (
        <progress
          max={Math.max(1, size)}
          value={arrived}
          aria-label={`${card.title}, ${words(view, name)}`}
        />
      )}
      <p class="file-status figures">{words(view, name)}</p>
      {status === "failed" && <p class="file-hint">{view.error?.hint}</p>}
      <div class="file-actions">
        <Actions desk={desk} card={card} view={view} name={name} />
      </div>
    </div>
  )
}

function Actions({ desk, card, view, name }: RowProps) {
  const about = (what: string) => `${what}: ${card.title}`
  const button = (what: string, act: () => void, kind = "") => (
    <button
      type="button"
      class={`button small ${kind}`}
      aria-label={card.transfers.length > 1 ? `${about(what)}, ${name}` : about(what)}
      onClick={act}
    >
      {what}
    </button>
  )
  const cancel = () => desk.cancel(card.id, view.id)
  if (view.status === "offered" && view.direction === "receiving")
    return (
      <>
        {button("Accept", () => void desk.accept(card.id), "primary")}
        {button("Decline", () => desk.decline(card.id))}
      </>
    )
  if (view.status === "offered" || view.status === "running" || view.status === "waiting")
    return button("Cancel", cancel)
  if (view.status === "done" && card.kept?.link)
    return (
      <a
        class="button small primary"
        href={card.kept.link.url}
        download={card.kept.link.name}
        aria-label={about("Save")}
      >
        Save
      </a>
    )
  if (view.direction === "sending" && (view.status === "failed" || view.status === "cancelled"))
    return button("Send again", () => desk.again(card.id, view.id))
  return null
}

/** How it stands, in words. */
function words(
  { status, direction, arrived, size, files, filesArrived, rate, timeLeft, error }: TransferView,
  name: string,
): string {
  switch (status) {
    case "offered":
      return direction === "sending"
        ? `Offered to ${name}`
        : `${name} offers ${files.length === 1 ? "this" : "these"}`
    case "waiting":
      return `${part(arrived, size)} · Waiting for ${name} to be reachable`
    case "running":
      return [
        part(arrived, size),
        files.length > 1 && `${filesArrived.toLocaleString()} files`,
        rate !== undefined && `${formatBytes(rate)}/s`,
        timeLeft !== undefined && `${formatDuration(Math.max(1000, timeLeft * 1000))} left`,
        direction === "sending" && `to ${name}`,
      ]
        .filter(Boolean)
        .join(" · ")
    case "done":
      return direction === "sending" ? `${name} has it` : "Arrived whole"
    case "declined":
      return direction === "sending" ? `${name} declined` : "You declined"
    default:
      return `${error?.message ?? "It failed."}${direction === "sending" ? ` (${name})` : ""}`
  }
}

const part = (arrived: number, size: number): string => `${formatBytes(arrived)} of ${formatBytes(size)}`
