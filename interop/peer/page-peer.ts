import type { Page } from "puppeteer-core"

/** A page's RTCPeerConnection with one data channel; `name` tells it from the page's others. */
export class PagePeer {
  readonly #page: Page
  readonly #name: string

  constructor(page: Page, name = "connection") {
    this.#page = page
    this.#name = name
  }

  /** Its offer, or its answer to `offer`, with all its candidates. */
  describe(offer?: string): Promise<string> {
    return this.#page.evaluate(
      async (name, offer) => {
        const connection = new RTCPeerConnection()
        Object.assign(globalThis, { [name]: connection })
        if (offer === undefined) connection.createDataChannel("any")
        else await connection.setRemoteDescription({ type: "offer", sdp: offer })
        await connection.setLocalDescription()
        while (connection.iceGatheringState !== "complete")
          await new Promise(resolve =>
            connection.addEventListener("icegatheringstatechange", resolve, { once: true }),
          )
        return connection.localDescription!.sdp
      },
      this.#name,
      offer,
    )
  }

  async accept(answer: string): Promise<void> {
    await this.#page.evaluate(
      async (name, answer) => {
        const connection = (globalThis as unknown as Record<string, RTCPeerConnection>)[name]!
        await connection.setRemoteDescription({ type: "answer", sdp: answer })
      },
      this.#name,
      answer,
    )
  }

  /** Resolves once its RTCPeerConnection and its RTCDtlsTransport are connected, in whichever order they say so. */
  async connect(): Promise<void> {
    await this.#page.evaluate(async name => {
      const connection = (globalThis as unknown as Record<string, RTCPeerConnection>)[name]!
      const fails = () =>
        connection.connectionState === "failed" || connection.sctp?.transport.state === "failed"
      while (connection.connectionState !== "connected") {
        if (fails()) throw new Error("the page's connection failed")
        await new Promise(resolve =>
          connection.addEventListener("connectionstatechange", resolve, { once: true }),
        )
      }
      const { transport } = connection.sctp!
      while (transport.state !== "connected") {
        if (fails()) throw new Error("the page's DTLS failed")
        await new Promise(resolve => transport.addEventListener("statechange", resolve, { once: true }))
      }
    }, this.#name)
  }

  async close(): Promise<void> {
    await this.#page.evaluate(
      name => (globalThis as unknown as Partial<Record<string, RTCPeerConnection>>)[name]?.close(),
      this.#name,
    )
  }
}
