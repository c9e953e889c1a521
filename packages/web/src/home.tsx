import { PHASES, ROOM_NAME_LENGTH } from "@tightbeam/client"
import { useState } from "preact/hooks"
import { Wordmark } from "./beam.tsx"
import { ShuffleIcon } from "./icons.tsx"
import { suggestRoomName, tidyRoomName } from "./names.ts"
import { PHASE_WORDS } from "./phases.ts"

const suggest = (): string => suggestRoomName(bytes => crypto.getRandomValues(bytes))

/** The front page: name a room, or take the suggestion. */
export function Home({ onRoom }: { onRoom: (room: string) => void }) {
  const [typed, setTyped] = useState(suggest)
  const room = tidyRoomName(typed).replace(/-$/, "")
  const open = (event: Event): void => {
    event.preventDefault()
    if (room !== "") onRoom(room)
  }
  return (
    <div class="page">
      <header class="page-header">
        <Wordmark />
      </header>
      <main class="home">
        <h1>Start a call</h1>
        <p class="lead">Name a room and send its link. Whoever opens the link is in.</p>
        <form class="home-form" onSubmit={open}>
          <label class="label" for="room">
            Room
          </label>
          <div class="field-row">
            <div class="field" data-grow>
              <span class="field-prefix" aria-hidden="true">
                /r/
              </span>
              <input
                id="room"
                data-testid="room-input"
                value={typed}
                onInput={event => setTyped(tidyRoomName(event.currentTarget.value))}
                maxLength={ROOM_NAME_LENGTH}
                autocapitalize="off"
                autocomplete="off"
                spellcheck={false}
                enterkeyhint="go"
                aria-describedby="room-help"
              />
              <button
                type="button"
                class="field-button"
                onClick={() => setTyped(suggest())}
                title="Another name"
              >
                <ShuffleIcon />
                <span class="hidden">Suggest another name</span>
              </button>
            </div>
            <button type="submit" class="button primary" disabled={room === ""} data-testid="open-room">
              Open room
            </button>
          </div>
          <p class="help" id="room-help">
            {room === ""
              ? "Letters, digits and dashes."
              : "A name that is hard to guess keeps the room to those you invite."}
          </p>
        </form>
        <section class="explain" aria-labelledby="explain">
          <h2 id="explain">Every call goes through six phases. You will see each.</h2>
          <ol class="explain-phases">
            {PHASES.map(name => (
              <li key={name}>
                <i class="bead" data-light="dark" />
                <strong>{PHASE_WORDS[name].title}</strong>
                <span>{PHASE_WORDS[name].does}</span>
              </li>
            ))}
          </ol>
        </section>
      </main>
    </div>
  )
}
