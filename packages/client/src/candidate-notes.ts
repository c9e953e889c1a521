import { describeCandidate } from "./candidate-words.ts"
import type { TimelineRecorder } from "./timeline-recorder.ts"

/** What both sides have gathered, as the timeline tells it. */
export class CandidateNotes {
  readonly #recorder: TimelineRecorder
  readonly #peerName: () => string
  #local = 0
  #remote = 0
  #localRelays = 0
  #complete = false
  #remoteComplete = false
  readonly #relayOnly: boolean

  constructor(recorder: TimelineRecorder, peerName: () => string, relayOnly: boolean) {
    this.#recorder = recorder
    this.#relayOnly = relayOnly
    this.#peerName = peerName
  }

  /** Another connection or another generation: what there was before counts no more. */
  reset(): void {
    this.#local = 0
    this.#remote = 0
    this.#localRelays = 0
    this.#complete = false
    this.#remoteComplete = false
  }

  local(line: string): void {
    if (line === "") return
    this.#local++
    if (line.includes(" typ relay")) this.#localRelays++
    this.#recorder.event("candidates", "local", `You: ${describeCandidate(line)}`)
    this.#note()
  }

  remote(line: string): void {
    const name = this.#peerName()
    if (line === "") {
      this.#remoteComplete = true
      this.#recorder.event("candidates", "complete", `${name} has sent all candidates.`)
      return this.#note()
    }
    this.#remote++
    this.#recorder.event("candidates", "remote", `${name}: ${describeCandidate(line)}`)
    this.#note()
  }

  gathering(state: RTCIceGatheringState): void {
    // A media section that joins a connection that works gathers for itself: that mends nothing.
    if (state === "gathering" && this.#recorder.status("checks") !== "done")
      this.#recorder.begin("candidates", "answers of the STUN and TURN server")
    if (state !== "complete") return
    this.#complete = true
    this.#recorder.event("candidates", "complete", "You have sent all candidates.")
    this.#note()
  }

  /** Why no pair of them answered. */
  get whyNoPath(): string {
    if (this.#local === 0)
      return this.#relayOnly
        ? "Only the relay is allowed, and it gave you no address: it is off, or your network blocks it."
        : "Your browser found no address at all: a policy or an extension may forbid it."
    if (this.#remote === 0) return `No address of ${this.#peerName()} arrived: nothing could be tried.`
    const relay =
      this.#localRelays === 0
        ? "You got no relay address to fall back to."
        : "Not even the relay was reached by both."
    return `None of the addresses of both sides reached each other. ${relay}`
  }

  #note(): void {
    // Without an address on either side there is nothing to try, and nothing more to wait for.
    const nothing = (this.#complete && this.#local === 0) || (this.#remoteComplete && this.#remote === 0)
    if (nothing && this.#recorder.status("checks") === "waiting") {
      if (this.#recorder.status("candidates") !== "failed") this.#recorder.fail("candidates", this.whyNoPath)
      return
    }
    const note = `${this.#local} of ours, ${this.#remote} of theirs`
    if (this.#local > 0 && this.#remote > 0 && this.#complete) this.#recorder.done("candidates", note)
    else if (this.#recorder.status("candidates") !== "done") this.#recorder.begin("candidates", note)
  }
}
