import type { Out } from "../contract/index.ts"

/** As RTCDtlsTransportState (W3C WebRTC §5.5). "closed": one of both said so. */
export type DtlsState = "new" | "connecting" | "connected" | "closed" | "failed"

/** Before "connected" no byte and no key leaves the connection. */
export type DtlsEvent = { readonly type: "state"; readonly state: DtlsState; readonly why: string }

export type DtlsOut = Out<DtlsEvent>
