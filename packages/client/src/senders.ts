/** What is sent for a publication. */
export interface SentTrack {
  readonly publication: string
  /** `undefined` while it sends nothing, as a camera that is off: its place in the connection is kept. */
  readonly track: MediaStreamTrack | undefined
  readonly stream: MediaStream
}

/** Which sender of a connection carries which publication. */
export class Senders {
  readonly #senders = new Map<string, RTCRtpSender>()
  readonly #refused: (error: unknown) => void

  /** `refused`: the browser did not take a track in place of another. */
  constructor(refused: (error: unknown) => void) {
    this.#refused = refused
  }

  /** The connection is given up. */
  clear(): void {
    this.#senders.clear()
  }

  /** Sends exactly these. */
  sync(pc: RTCPeerConnection, tracks: readonly SentTrack[]): void {
    const wanted = new Map(tracks.map(each => [each.publication, each]))
    for (const [publication, sender] of this.#senders) {
      const sent = wanted.get(publication)
      if (sent === undefined) {
        this.#senders.delete(publication)
        if (pc.signalingState !== "closed") pc.removeTrack(sender)
      } else if (sender.track !== (sent.track ?? null)) this.#replace(sender, sent.track ?? null)
    }
    for (const [publication, { track, stream }] of wanted)
      if (track !== undefined && !this.#senders.has(publication))
        this.#senders.set(publication, this.#add(pc, track, stream))
  }

  /** mid → publication, as the peer is told. */
  publications(pc: RTCPeerConnection): Record<string, string> {
    const publications: Record<string, string> = {}
    for (const { mid, sender } of pc.getTransceivers()) {
      const publication = [...this.#senders].find(([, each]) => each === sender)?.[0]
      if (mid !== null && publication !== undefined) publications[mid] = publication
    }
    return publications
  }

  /** addTrack never takes a section again that has sent before: a screen shared ten times would leave ten behind. */
  #add(pc: RTCPeerConnection, track: MediaStreamTrack, stream: MediaStream): RTCRtpSender {
    const idle = pc
      .getTransceivers()
      .find(
        ({ sender, receiver, direction, currentDirection }) =>
          currentDirection !== null &&
          (direction === "recvonly" || direction === "inactive") &&
          sender.track === null &&
          receiver.track.kind === track.kind &&
          ![...this.#senders.values()].includes(sender),
      )
    if (idle === undefined) return pc.addTrack(track, stream)
    idle.direction = idle.direction === "recvonly" ? "sendrecv" : "sendonly"
    idle.sender.setStreams(stream)
    this.#replace(idle.sender, track)
    return idle.sender
  }

  #replace(sender: RTCRtpSender, track: MediaStreamTrack | null): void {
    sender.replaceTrack(track).catch(this.#refused)
  }
}
