import type { ClientMessage } from "@tightbeam/client"
import type { Numbers } from "./schema.ts"

type Ping = Extract<ClientMessage, { type: "ping" }>

/** What a participant says to another: whom it is for, and what, as text that is passed on as it came. */
export interface PassedSignal {
  readonly type: "signal"
  readonly to: string
  readonly generation: number
  readonly what: "offer" | "answer" | "candidate" | "end-of-candidates"
  /** A `Signal` as JSON. */
  readonly signal: string
}

/** No escapes: what has some is read by the schema. */
const TEXT = '[^"\\\\\\u0000-\\u001f]'
const NUMBERS = '(?:,"n":([1-9]\\d{0,14}))?(?:,"ack":(0|[1-9]\\d{0,14}))?'
const CANDIDATE = [
  `{"candidate":{"candidate":"(${TEXT}*)"`,
  `"sdpMid":(?:null|"${TEXT}{1,32}")`,
  '"sdpMLineIndex":(?:null|0|[1-9]\\d{0,2})',
  `"usernameFragment":(?:null|"${TEXT}{0,256}")}}`,
].join(",")
const SIGNAL = new RegExp(
  `^{"type":"signal","to":"([A-Za-z0-9_-]{1,64})","generation":(0|[1-9]\\d{0,5}),"signal":(${CANDIDATE})${NUMBERS}}$`,
)
const PING = new RegExp(`^{"type":"ping","id":(0|[1-9]\\d{0,14})${NUMBERS}}$`)
const LONGEST_CANDIDATE = 1024

/**
 * The messages that nearly all are, candidates and pings, as the SDK writes them: without JSON, objects and the schema,
 * which together are half of what such a message costs (bench/signaling). It accepts nothing that the schema would
 * not; what it does not accept the schema judges, and says why.
 */
export function frequentMessage(
  text: string,
): { readonly numbering: Numbers; readonly message: PassedSignal | Ping } | undefined {
  if (text.startsWith('{"type":"signal"')) {
    const match = SIGNAL.exec(text)
    if (match === null) return undefined
    const [, to, generation, signal, candidate, n, ack] = match
    if (candidate!.length > LONGEST_CANDIDATE) return undefined
    const what = candidate === "" ? "end-of-candidates" : "candidate"
    return {
      numbering: numbering(n, ack),
      message: { type: "signal", to: to!, generation: Number(generation), what, signal: signal! },
    }
  }
  const match = PING.exec(text)
  if (match === null) return undefined
  const [, id, n, ack] = match
  return { numbering: numbering(n, ack), message: { type: "ping", id: Number(id) } }
}

const numbering = (n: string | undefined, ack: string | undefined): Numbers => ({
  n: n === undefined ? undefined : Number(n),
  ack: ack === undefined ? undefined : Number(ack),
})
