/** The effective configuration: complete, and legal as a whole. `docs/configuration.md` says what each key means. */
export interface Config {
  readonly http: {
    readonly address: string
    readonly port: number
    readonly origins: readonly string[]
    readonly trustProxy: boolean
  }
  readonly tls: {
    readonly mode: "auto" | "files" | "off"
    readonly cert?: string | undefined
    readonly key?: string | undefined
  }
  readonly turn: {
    readonly enabled: boolean
    readonly address: string
    readonly port: number
    readonly announce?: string | undefined
    readonly announceV6?: string | undefined
    readonly second: {
      readonly address?: string | undefined
      readonly port: number
      readonly announce?: string | undefined
    }
    readonly offerTls: "auto" | "always" | "never"
    readonly tlsHost?: string | undefined
    /** Threads. */
    readonly workers: number
    readonly realm: string
    readonly relayPorts: { readonly min: number; readonly max: number }
    readonly allowPeers: readonly string[]
    readonly channelNumbers: "rfc8656" | "rfc5766"
    readonly mobility: boolean
    readonly tcpPeers: boolean
    readonly dtls: boolean
    /** Seconds. */
    readonly credentialTtl: number
    /** Bits per second; 0: no limit. */
    readonly relayedVideoBitrate: number
    readonly quotas: {
      readonly allocations: number
      readonly allocationsPerUser: number
      readonly allocationsPerRoom: number
      /** 0: no limit. */
      readonly allocationBytesPerSecond: number
      readonly relayedBytesPerSecond: number
      readonly strangersBytesPerSecond: number
      readonly strangersBurst: number
    }
    /** Addresses with port. */
    readonly drainTo: {
      readonly udp: readonly string[]
      readonly tcp: readonly string[]
      readonly tls: readonly string[]
      readonly tlsHost?: string | undefined
    }
    readonly streams: {
      /** Seconds. */
      readonly idle: number
      /** Bytes. */
      readonly strangersFrame: number
      readonly queue: number
      readonly queueOfAll: number
      /** Seconds. */
      readonly drain: number
    }
  }
  readonly access: {
    readonly mode: "open" | "token"
    readonly secret?: string | undefined
    readonly secretFile?: string | undefined
  }
  readonly rooms: {
    readonly maxParticipants: number
    readonly maxWaiting: number
    /** Seconds. */
    readonly grace: number
  }
  readonly limits: {
    readonly connections: number
    readonly connectionsPerAddress: number
    readonly connectsPerSecond: number
    readonly connectBurst: number
    /** Seconds. */
    readonly silence: number
    readonly requestsPerSecond: number
    readonly requestBurst: number
    readonly signalingPerAddress: number
    readonly joinsPerSecond: number
    readonly joinBurst: number
    readonly messagesPerSecond: number
    readonly messageBurst: number
    /** Bytes. */
    readonly messageSize: number
    readonly clientMessagesPerSecond: number
    readonly clientMessageBurst: number
    readonly addresses: number
  }
  readonly metrics: { readonly enabled: boolean; readonly address: string; readonly port: number }
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" }
  readonly data: string
  readonly native: "auto" | "off"
  /** Seconds. */
  readonly drain: number
}
