import type { Phase, RemoteParticipant } from "@tightbeam/client"
import { useState } from "preact/hooks"
import { TimelineBeam } from "./beam.tsx"
import { useNow } from "./clock.ts"
import { formatDuration } from "./duration.ts"
import { ChevronIcon } from "./icons.tsx"
import { PanelHeader } from "./panel.tsx"
import { connectionSentence, securitySentence } from "./path-words.ts"
import { PersonName } from "./person-name.tsx"
import { connectDuration, lightOf, noteSentence, PHASE_WORDS, phaseDuration } from "./phases.ts"
import { ReconnectButton } from "./reconnect-button.tsx"
import type { RoomStore } from "./room-store.ts"

/** What happened on the way to each person: the beam, upright, with a row for each bead. */
export function TimelinePanel({ store }: { store: RoomStore }) {
  const { participants } = store.snapshot.value
  const watched = participants.find(({ id }) => id === store.watched.value) ?? mostUrgent(participants)
  return (
    <>
      <PanelHeader title="Timeline" onClose={() => store.show("timeline")} />
      <div class="timeline" tabIndex={0} role="region" aria-label="Connections">
        {watched === undefined ? (
          <p class="panel-empty">
            <strong>No connections yet</strong>
            <span>When somebody joins, you see here how the two of you find each other, phase by phase.</span>
          </p>
        ) : (
          <>
            {participants.length > 1 && (
              <div class="peers" role="group" aria-label="Whose connection">
                {participants.map(participant => (
                  <button
                    key={participant.id}
                    type="button"
                    class="peer"
                    aria-pressed={participant.id === watched.id}
                    onClick={() => (store.watched.value = participant.id)}
                  >
                    <PersonName name={participant.name} />
                    <TimelineBeam timeline={participant.timeline} size="mini" />
                    <span class="hidden">{participant.timeline.status}</span>
                  </button>
                ))}
              </div>
            )}
            <ConnectionTo
              key={watched.id}
              participant={watched}
              onReconnect={() => store.reconnect(watched.id)}
            />
          </>
        )}
      </div>
    </>
  )
}

const URGENCY = ["failed", "recovering", "connecting", "connected"] as const

/** The connection to look at first. */
function mostUrgent(participants: readonly RemoteParticipant[]): RemoteParticipant | undefined {
  return participants.toSorted(
    (a, b) => URGENCY.indexOf(a.timeline.status) - URGENCY.indexOf(b.timeline.status),
  )[0]
}

interface ConnectionProps {
  participant: RemoteParticipant
  onReconnect: () => void
}

function ConnectionTo({ participant: { name, timeline }, onReconnect }: ConnectionProps) {
  const now = useNow(timeline.status === "connecting" || timeline.status === "recovering", 100)
  const took = connectDuration(timeline)
  const beginning = timeline.phases.find(phase => phase.startedAt !== undefined)?.startedAt ?? now
  return (
    <section aria-label={`Connection to ${name}`}>
      <p class="timeline-sentence" data-status={timeline.status}>
        {connectionSentence(name, timeline)}
      </p>
      {timeline.status === "failed" && <ReconnectButton name={name} onReconnect={onReconnect} />}
      <div class="spine-end">
        <span class="end-mark" />
        <span>You</span>
        {took !== undefined && <span class="figures spine-took">{formatDuration(took)} in all</span>}
      </div>
      <ol class="spine">
        {timeline.phases.map(phase => (
          <PhaseRow key={phase.name} phase={phase} now={now} beginning={beginning} />
        ))}
      </ol>
      <div class="spine-end" data-whole={timeline.status === "connected"}>
        <span class="end-mark" />
        <PersonName name={name} />
      </div>
      {timeline.security !== undefined && (
        <p class="help timeline-security">{securitySentence(timeline.security, timeline.path)}</p>
      )}
    </section>
  )
}

const STATUS_WORDS = {
  waiting: "waiting",
  active: "under way",
  done: "done",
  recovering: "being mended",
  failed: "failed",
} as const

function PhaseRow({ phase, now, beginning }: { phase: Phase; now: number; beginning: number }) {
  const [opened, setOpened] = useState<boolean>()
  const open = opened ?? phase.status === "failed"
  const { title, does } = PHASE_WORDS[phase.name]
  const duration = phaseDuration(phase, now)
  const light = lightOf(phase, now)
  const note = noteSentence(phase)
  return (
    <li class="phase" data-light={light}>
      <button
        type="button"
        class="phase-head"
        data-testid={`phase-${phase.name}`}
        data-status={phase.status}
        aria-expanded={open}
        onClick={() => setOpened(!open)}
      >
        <i class="bead" data-light={light} />
        <span class="phase-title">{title}</span>
        <span class="hidden">, {STATUS_WORDS[phase.status]}, </span>
        <span class="figures phase-took">{duration === undefined ? "" : formatDuration(duration)}</span>
        <ChevronIcon />
      </button>
      {note !== undefined && phase.status !== "done" && <p class="phase-note">{note}</p>}
      {open && (
        <div class="phase-more">
          <p class="help">
            {does} {phase.status === "done" && note}
          </p>
          {phase.events.length > 0 && (
            <ol class="events">
              {phase.events.map((event, i) => (
                <li key={i}>
                  <span class="figures event-at">{formatDuration(Math.max(0, event.at - beginning))}</span>
                  <span>{event.text}</span>
                </li>
              ))}
            </ol>
          )}
        </div>
      )}
    </li>
  )
}
