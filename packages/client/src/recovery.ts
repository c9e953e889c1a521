import type { Clock } from "./environment.ts"
import type { Role } from "./messages.ts"
import type { TimelineRecorder } from "./timeline-recorder.ts"

/** How long a broken path may mend by itself before ICE is restarted, and how much later the impolite side acts, ms. */
const DISCONNECTED_PATIENCE = 3000

/** How long an ICE restart may take before the whole connection is made anew, ms; doubled after each that failed. */
const RECONNECT_PATIENCE = 10_000
const MAX_RECONNECT_PATIENCE = 60_000

/** How long the server may take to tell that a peer left whose connection is closed, ms. */
const LEAVING_PATIENCE = 1000

interface Hands {
  /** New candidates on the same connection. */
  restartIce(): void
  /** A new connection in place of this one. */
  reconnect(why: string): void
  /** Nothing reaches the peer for now; or it does again. */
  reaches(now: boolean): void
  /** Why no pair of candidates answered. */
  whyNoPath(): string
}

/** Watches a connection, writes down how ICE and DTLS fare, and mends what breaks, with growing patience. */
export class Recovery {
  readonly #clock: Clock
  readonly #role: Role
  readonly #recorder: TimelineRecorder
  readonly #hands: Hands
  #cancel: () => void = () => {}
  #broken = false
  /** ICE was restarted since it last worked. */
  #restarted = false
  /** Whole connections since one last worked. */
  #reconnects = 0

  constructor(clock: Clock, role: Role, recorder: TimelineRecorder, hands: Hands) {
    this.#clock = clock
    this.#role = role
    this.#recorder = recorder
    this.#hands = hands
  }

  /** Acts after `ms`, unless something else is to be waited for by then. */
  wait(ms: number, act: () => void): void {
    this.#cancel()
    this.#cancel = this.#clock.after(ms, act)
  }

  /** The connection is given up, or another begins: nothing is waited for any more. */
  stop(): void {
    this.#cancel()
    this.#broken = false
    this.#restarted = false
  }

  /** The peer made the connection anew: patience grows on both sides alike. */
  peerReconnected(): void {
    this.#reconnects++
  }

  /** Forgets how often it was tried: somebody asks for it now. */
  resetPatience(): void {
    this.#reconnects = 0
  }

  /** The peer closed the connection: it is leaving, which the server will tell, or it has lost it. */
  closed(): void {
    this.wait(this.#role === "polite" ? LEAVING_PATIENCE : LEAVING_PATIENCE + DISCONNECTED_PATIENCE, () =>
      this.#hands.reconnect("The connection was closed."),
    )
  }

  iceChanged(state: RTCIceConnectionState): void {
    const recorder = this.#recorder
    this.#broken = state === "disconnected" || state === "failed"
    switch (state) {
      case "checking":
        return recorder.begin("checks", "a pair of candidates that answers")
      case "connected":
      case "completed":
        this.stop()
        recorder.done("checks", "a path is found")
        if (recorder.status("candidates") !== "done") recorder.done("candidates", "enough to connect")
        if (recorder.status("security") === "waiting") recorder.begin("security", "the DTLS handshake")
        return
      case "disconnected":
        recorder.begin("checks", "the path to answer again")
        return this.wait(DISCONNECTED_PATIENCE, () => this.#restartIce("The path stopped answering."))
      case "failed":
        recorder.fail("checks", this.#hands.whyNoPath())
        this.#hands.reaches(false)
        // What a restart or a new connection has not mended once, another at once will not mend either.
        if (this.#restarted || this.#reconnects > 0) this.#reconnectLater("No path was found.")
        else this.#restartIce("All checks failed.")
        return
      default:
    }
  }

  connectionChanged(state: RTCPeerConnectionState): void {
    const recorder = this.#recorder
    if (state === "connected") {
      this.#reconnects = 0
      this.#hands.reaches(true)
      recorder.done("security", "keys are agreed")
      if (recorder.status("transmission") === "waiting") recorder.begin("transmission", "the first data")
    } else if (state === "failed" && recorder.status("checks") === "done") {
      recorder.fail("security", "The DTLS handshake failed, though the path works.")
      this.#hands.reaches(false)
      this.#reconnectLater("The DTLS handshake failed.")
    }
  }

  /** One side asks for new candidates, the other's answer brings its own. Should the polite side not ask, we do. */
  #restartIce(why: string): void {
    this.#restarted = true
    this.#recorder.event("checks", "restart", `${why} Looking for a new path.`)
    const restart = () => {
      if (this.#broken) this.#hands.restartIce()
      this.#reconnectLater("No new path was found.")
    }
    if (this.#role === "polite") restart()
    else this.wait(DISCONNECTED_PATIENCE, restart)
  }

  #reconnectLater(why: string): void {
    const patience = Math.min(RECONNECT_PATIENCE * 2 ** this.#reconnects, MAX_RECONNECT_PATIENCE)
    this.wait(this.#role === "polite" ? patience : patience + DISCONNECTED_PATIENCE, () => {
      this.#reconnects++
      this.#hands.reconnect(why)
    })
  }
}
