/** What one stranger may cost. Every limit can be set where `Rooms` is made; these are the defaults. */
export interface SignalingLimits {
  /** Bytes of one message, UTF-8. */
  readonly messageBytes: number
  /** Messages a second that a connection may send for long. */
  readonly messagesPerSecond: number
  /** Messages that it may send at once, above that. */
  readonly messageBurst: number
  /** Connections of one address (IPv6: of one /64) at one time. Many people may sit behind one. */
  readonly connectionsPerAddress: number
  /** Joins and rejoins a second of one address for long, and at once. */
  readonly addressJoinsPerSecond: number
  readonly addressJoinBurst: number
  /** Messages a second of one address for long, and at once. */
  readonly addressMessagesPerSecond: number
  readonly addressMessageBurst: number
  /** Addresses that are remembered; beyond it the one unseen for longest is forgotten. */
  readonly addresses: number
  /** ms from the socket's opening to a `join` or `rejoin`. */
  readonly joinDeadline: number
  /** ms without any message after which a socket is taken for dead. Clients ping every 10 s. */
  readonly idle: number
  /** ms that a participant whose socket broke is waited for. */
  readonly grace: number
  /** Messages, and characters of them, that are kept for a participant until it acknowledges them. */
  readonly replayMessages: number
  readonly replayBytes: number
  /** Participants of one room. */
  readonly participants: number
  /** Who may wait to be let into one room. */
  readonly waiting: number
  /** Rooms of this server. */
  readonly rooms: number
  /** Publications of one participant. */
  readonly publications: number
  /** Tokens remembered as used, until each expires. When full, joining waits for some to expire. */
  readonly usedTokens: number
  /** Sessions remembered as sent out, so that they are told so instead of beginning anew; the oldest is forgotten. */
  readonly kickedSessions: number
  /** How long they are remembered, ms: a laptop may be closed overnight, and come back by itself when it opens. */
  readonly kickedFor: number
}

export const DEFAULT_LIMITS: SignalingLimits = {
  messageBytes: 64 * 1024,
  messagesPerSecond: 50,
  messageBurst: 300,
  connectionsPerAddress: 500,
  addressJoinsPerSecond: 20,
  addressJoinBurst: 500,
  addressMessagesPerSecond: 2_000,
  addressMessageBurst: 20_000,
  addresses: 100_000,
  joinDeadline: 10_000,
  idle: 30_000,
  grace: 30_000,
  replayMessages: 1000,
  replayBytes: 1024 * 1024,
  participants: 50,
  waiting: 50,
  rooms: 10_000,
  publications: 16,
  usedTokens: 1_000_000,
  kickedSessions: 10_000,
  kickedFor: 24 * 3600_000,
}
