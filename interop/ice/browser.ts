import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import puppeteer, { type Browser, type Page } from "puppeteer-core"
import type { IceRole } from "../../packages/webrtc/src/ice/index.ts"
import { dataDescription, formatDataDescription, parseSdp } from "../../packages/webrtc/src/sdp/index.ts"
import type { Description } from "./our-agent.ts"

export type BrowserName = "chrome" | "firefox"

const EXECUTABLES: Readonly<Record<BrowserName, string>> = {
  chrome: process.env.CHROMIUM ?? "/usr/bin/chromium",
  firefox: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
}

/** Nobody's certificate: the handshake is for later, its first message is enough to hear that data gets through. */
const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, () => "AB").join(":")}`

/** How long anything in a page may take, ms. */
const PATIENCE = 30_000

export function executableOf(name: BrowserName): string {
  return EXECUTABLES[name]
}

/** What a browser is started with besides. */
export interface BrowserSettings {
  readonly args?: readonly string[]
  readonly prefs?: Readonly<Record<string, unknown>>
}

/** A browser with one empty page, which shows its addresses or hides them behind names of the local network. */
export async function openBrowser(
  name: BrowserName,
  hidesAddresses: boolean,
  settings: BrowserSettings = {},
): Promise<{ page: Page; version: string; close(): Promise<void> }> {
  const server = createServer((_request, response) => response.end("<!doctype html><title>A page</title>"))
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve))
  const browser = await launch(name, hidesAddresses, settings)
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return { page, version: await browser.version(), close: () => closeAll(browser, server) }
}

function launch(name: BrowserName, hidesAddresses: boolean, settings: BrowserSettings): Promise<Browser> {
  const common = { executablePath: EXECUTABLES[name], headless: true, protocolTimeout: PATIENCE } as const
  if (name === "firefox") {
    const extraPrefsFirefox = {
      "media.peerconnection.ice.obfuscate_host_addresses": hidesAddresses,
      "media.gmp-manager.updateEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "app.update.enabled": false,
      ...settings.prefs,
    }
    return puppeteer.launch({ ...common, browser: "firefox", extraPrefsFirefox })
  }
  // A page that may use the microphone shows its addresses, whatever the feature says.
  const shows = ["--disable-features=WebRtcHideLocalIpsWithMdns", "--use-fake-ui-for-media-stream"]
  const args = ["--no-sandbox", ...(hidesAddresses ? [] : shows), ...(settings.args ?? [])]
  return puppeteer.launch({ ...common, browser: "chrome", args })
}

async function closeAll(browser: Browser, server: Server): Promise<void> {
  await browser.close()
  server.close()
}

/** A page's RTCPeerConnection with one data channel, as an agent. The one that offers is controlling. */
export class BrowserPeer {
  readonly #page: Page
  readonly #role: IceRole
  #connected: Promise<void> | undefined

  constructor(page: Page, role: IceRole) {
    this.#page = page
    this.#role = role
  }

  /** Where it is controlled it answers, so it must be told first. */
  async describe(remote?: Description): Promise<Description> {
    const offer = remote === undefined ? undefined : sdpOf(remote, "actpass")
    const text = await this.#page.evaluate(async offer => {
      const connection = new RTCPeerConnection()
      Object.assign(globalThis, { connection })
      if (offer === undefined) connection.createDataChannel("any")
      else await connection.setRemoteDescription({ type: "offer", sdp: offer })
      await connection.setLocalDescription()
      while (connection.iceGatheringState !== "complete")
        await new Promise(resolve =>
          connection.addEventListener("icegatheringstatechange", resolve, { once: true }),
        )
      return connection.localDescription!.sdp
    }, offer)
    if (remote !== undefined) this.#wait()
    const session = parseSdp(text)
    if ("why" in session) throw new Error(`line ${session.line} of the description: ${session.why}`)
    const description = dataDescription(session)
    if (typeof description === "string") throw new Error(description)
    return description.ice
  }

  accept(remote: Description): void {
    if (this.#role === "controlled") return
    const answer = sdpOf(remote, "passive")
    this.#wait(answer)
  }

  get connected(): Promise<void> {
    return this.#connected!
  }

  async close(): Promise<void> {
    await this.#page.evaluate(() =>
      (globalThis as unknown as { connection: RTCPeerConnection }).connection.close(),
    )
  }

  #wait(answer?: string): void {
    this.#connected = this.#page.evaluate(async answer => {
      const { connection } = globalThis as unknown as { connection: RTCPeerConnection }
      if (answer !== undefined) await connection.setRemoteDescription({ type: "answer", sdp: answer })
      while (connection.iceConnectionState !== "connected" && connection.iceConnectionState !== "completed") {
        if (connection.iceConnectionState === "failed") throw new Error("the page's agent failed")
        await new Promise(resolve =>
          connection.addEventListener("iceconnectionstatechange", resolve, { once: true }),
        )
      }
    }, answer)
    this.#connected.catch(() => {})
  }
}

function sdpOf(ice: Description, setup: "actpass" | "passive"): string {
  return formatDataDescription({
    sessionId: "1",
    version: 1,
    mid: "0",
    ice: { ...ice, lite: ice.lite ?? false, options: ice.options ?? [], isComplete: true },
    fingerprints: [FINGERPRINT],
    setup,
    sctpPort: 5000,
    maxMessageSize: 262_144,
  })
}
