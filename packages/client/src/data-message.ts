/**
 * What goes over the data channels: JSON as text, `{"topic": …, "data": …}`; bytes as binary, after the topic:
 * one byte of its length in UTF-8, the topic, the payload.
 */
export interface DataMessage {
  readonly topic: string
  /** A JSON value, or bytes. */
  readonly data: unknown
}

/** Of the topic's UTF-8. */
const MAX_TOPIC = 255

/** Throws a `TypeError` for a topic that is too long or data that JSON cannot hold. */
export function encodeMessage({ topic, data }: DataMessage): string | Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(topic)
  if (name.length > MAX_TOPIC)
    throw new TypeError(`A topic may have ${MAX_TOPIC} bytes; this has ${name.length}.`)
  if (!(data instanceof Uint8Array)) {
    const json = JSON.stringify(data)
    if (json === undefined) throw new TypeError(`Data of topic "${topic}" is neither JSON nor bytes.`)
    return `{"topic":${JSON.stringify(topic)},"data":${json}}`
  }
  const bytes = new Uint8Array(1 + name.length + data.length)
  bytes[0] = name.length
  bytes.set(name, 1)
  bytes.set(data, 1 + name.length)
  return bytes
}

/** `undefined` for what no client of ours sends. */
export function decodeMessage(received: string | ArrayBuffer): DataMessage | undefined {
  if (typeof received === "string") {
    try {
      const parsed: unknown = JSON.parse(received)
      if (typeof parsed !== "object" || parsed === null || !("topic" in parsed) || !("data" in parsed))
        return undefined
      return typeof parsed.topic === "string" ? { topic: parsed.topic, data: parsed.data } : undefined
    } catch {
      return undefined
    }
  }
  const bytes = new Uint8Array(received)
  const end = 1 + (bytes[0] ?? 0)
  if (bytes.length < end) return undefined
  return { topic: new TextDecoder().decode(bytes.subarray(1, end)), data: bytes.slice(end) }
}
