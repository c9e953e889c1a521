/** A server as a newcomer starts it, and people in real browsers, as the tests see them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import { timeLimitedCredentials } from "@tightbeam/webrtc/turn"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { type Media, Participant, readMedia, watchConnections } from "./participant.ts"

const root = resolve(import.meta.dirname, "..")
const CLI = "packages/server/src/cli/main.ts"

/** What `tightbeam up` prints. */
const HTTP_LINE = /http:\/\/localhost:(\d+)/
const TURN_LINE = /STUN, TURN +UDP \S+ port (\d+)/

export class Server {
  readonly url: string
  readonly turnPort: number
  readonly #process: ChildProcess
  readonly #data: string
  readonly #flags: readonly string[]

  private constructor(
    child: ChildProcess,
    data: string,
    flags: readonly string[],
    url: string,
    turnPort: number,
  ) {
    this.#process = child
    this.#data = data
    this.#flags = flags
    this.url = url
    this.turnPort = turnPort
  }

  /** `tightbeam up` on free ports of the loopback, with these flags besides. */
  static async start(...flags: string[]): Promise<Server> {
    return Server.startAt("127.0.0.1", ...flags)
  }

  /** The same, at another address of this machine. */
  static async startAt(address: string, ...flags: string[]): Promise<Server> {
    const data = await mkdtemp(join(tmpdir(), "tightbeam-e2e-"))
    const at = [`--http.address=${address}`, `--turn.address=${address}`, `--turn.announce=${address}`]
    return Server.#up(data, ["--http.port=0", "--turn.port=0", ...at, ...flags])
  }

  static async #up(data: string, flags: readonly string[]): Promise<Server> {
    const args = ["--conditions=@tightbeam/source", CLI, "up", `--data=${data}`, ...flags]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    const ready = Promise.withResolvers<void>()
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      if (HTTP_LINE.test(output) && TURN_LINE.test(output)) ready.resolve()
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    child.once("exit", code =>
      ready.reject(new Error(`The server ended with ${code} before it was ready:\n${output}`)),
    )
    await ready.promise
    const [, port] = HTTP_LINE.exec(output)!
    const [, turnPort] = TURN_LINE.exec(output)!
    return new Server(child, data, flags, `http://localhost:${port}`, Number(turnPort))
  }

  /** Of HTTP, HTTPS, WebSocket, and TURN over TCP and TLS. */
  get httpPort(): number {
    return Number(new URL(this.url).port)
  }

  async token(room: string): Promise<string> {
    const answer = await fetch(`${this.url}/api/rooms/${room}/token`, { method: "POST" })
    return ((await answer.json()) as { token: string }).token
  }

  /** TURN credentials for an hour, of somebody who is in no room: with whoever leaves theirs end. */
  turnCredentials(): { username: string; password: string } {
    const secret = Buffer.from(readFileSync(join(this.#data, "turn.secret"), "utf8").trim(), "base64url")
    const expiry = Math.floor(Date.now() / 1000) + 3600
    return timeLimitedCredentials({ crypto: nodeCrypto, secret, room: "relay", participant: "test", expiry })
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Ends it without a word to anybody. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, "exit")
    this.#process.kill("SIGKILL")
    await exited
  }

  /** The same server again, after `kill`: same ports, same data. */
  restart(): Promise<Server> {
    const ports = [`--http.port=${this.httpPort}`, `--turn.port=${this.turnPort}`]
    const flags = this.#flags.filter(flag => !/^--(http|turn)\.port=/.test(flag))
    return Server.#up(this.#data, [...ports, ...flags])
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#data, { recursive: true, force: true })
  }
}

/** A line between a browser and the server that can be cut. */
export class Line {
  readonly url: string
  readonly #listener: NetServer
  readonly #sockets: Set<Socket>

  private constructor(listener: NetServer, sockets: Set<Socket>) {
    this.#listener = listener
    this.#sockets = sockets
    this.url = `http://localhost:${(listener.address() as AddressInfo).port}`
  }

  static async to(server: Server): Promise<Line> {
    const target = server.httpPort
    const sockets = new Set<Socket>()
    const listener = createServer(near => {
      const far = connect(target, "127.0.0.1")
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => {
          sockets.delete(socket)
          other.destroy()
        })
      }
      near.pipe(far).pipe(near)
    }).listen(0, "127.0.0.1")
    await once(listener, "listening")
    return new Line(listener, sockets)
  }

  /** Breaks everything that goes over it, and lets nothing new through until `mend`. */
  async cut(): Promise<void> {
    const closed = once(this.#listener, "close")
    this.#listener.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async mend(): Promise<void> {
    this.#listener.listen(Number(new URL(this.url).port), "127.0.0.1")
    await once(this.#listener, "listening")
  }

  async close(): Promise<void> {
    if (this.#listener.listening) await this.cut()
  }
}

/**
 * What Chromium would load into each window, unseen: two pages for what one types as an address, which cost more than
 * ours. Only the last such list counts, so what Playwright (1.65) turns off on this system is in it too.
 */
const NOT_NEEDED = [
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
  "WebUIOmniboxFullPopup",
  "AimEnabled",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "LensOverlay",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "ThirdPartyStoragePartitioning",
]

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  `--disable-features=${NOT_NEEDED.join(",")}`,
  "--auto-select-tab-capture-source-by-title=Tightbeam",
]

interface LaunchOptions {
  /** A browser that asks nobody, and gives no device. */
  readonly deny?: boolean
  /** Browsers do not use a loopback unless told, and the tests' network has nothing else. Default true. */
  readonly loopback?: boolean
  readonly flags?: readonly string[]
  /** What runs instead of the system's own. */
  readonly executable?: string
}

export function launchChromium({
  deny = false,
  loopback = true,
  flags = [],
  executable,
}: LaunchOptions = {}): Promise<Browser> {
  const executablePath =
    executable ?? process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync)
  if (executablePath === undefined)
    throw new Error("There is no chromium here. Install it, or name it in CHROMIUM.")
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      ...FLAGS,
      ...(deny ? [] : ["--use-fake-ui-for-media-stream"]),
      ...(loopback ? ["--allow-loopback-in-peer-connection"] : []),
      ...flags,
    ],
  })
}

interface OpenOptions {
  /** Camera and microphone. */
  readonly grant?: boolean
  /** Whether the network lets WebSockets through. */
  readonly webSocket?: boolean
  /** The network lets through only ICE servers whose URL contains this. */
  readonly iceServers?: string
  /** The network lets no request to such a URL through. */
  readonly offline?: RegExp
}

/** Closes all connections of a page, as nothing in it would. */
export const killConnections = (person: Person): Promise<void> =>
  person.page.evaluate(() => {
    for (const each of (globalThis as unknown as { madeConnections: RTCPeerConnection[] }).madeConnections)
      each.close()
  })

/** A person with a browser context of their own, who does only what the page offers. */
export class Person extends Participant {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that the page did not catch. */
  readonly errors: string[] = []

  private constructor(context: BrowserContext, page: Page) {
    super()
    this.context = context
    this.page = page
    page.on("pageerror", error => this.errors.push(String(error)))
  }

  static async open(
    browser: Browser,
    url: string,
    { grant = true, webSocket = true, iceServers = "", offline }: OpenOptions = {},
  ): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    if (grant) await context.grantPermissions(["camera", "microphone"], { origin: new URL(url).origin })
    const page = await context.newPage()
    if (offline) await page.route(offline, route => route.abort())
    if (!webSocket)
      // As a proxy that refuses it looks from the page.
      await page.addInitScript(() => {
        globalThis.WebSocket = class extends EventTarget {
          onclose: (() => void) | null = null
          constructor() {
            super()
            setTimeout(() => this.onclose?.(), 10)
          }
          close() {}
        } as unknown as typeof WebSocket
      })
    await page.addInitScript(watchConnections, iceServers)
    const person = new Person(context, page)
    await page.goto(url)
    return person
  }

  at(testId: string) {
    return this.page.getByTestId(testId)
  }

  async join(name: string): Promise<void> {
    await this.at("name").fill(name)
    await this.at("join").click()
    await this.at("leave").waitFor()
  }

  /** Writes a line into the open chat. */
  async say(text: string): Promise<void> {
    await this.at("chat-input").fill(text)
    await this.at("chat-input").press("Enter")
  }

  /** What others wrote in the open chat, in the order it is read. */
  linesOfOthers(): Promise<string[]> {
    return this.page.locator('.chat-message[data-own="false"] .chat-text').allInnerTexts()
  }

  /** The tile of the other person, when there is one. */
  get otherTile() {
    return this.page.locator('[data-testid="tile"]:not([data-participant="self"])')
  }

  /** How many peer connections the page has made since it was loaded. */
  connectionsMade(): Promise<number> {
    return this.page.evaluate(
      () => (globalThis as unknown as { madeConnections: RTCPeerConnection[] }).madeConnections.length,
    )
  }

  /** Waits until the button says that the screen is shared, or is not. */
  async sharesScreen(shared: boolean): Promise<void> {
    await this.page
      .locator(`[data-testid="toggle-screen"][aria-pressed="${shared}"]:not([disabled])`)
      .waitFor()
  }

  /** How many media sections for audio and video each live connection has. */
  sections(): Promise<number[]> {
    return this.page.evaluate(() => {
      const { madeConnections } = globalThis as unknown as { madeConnections: RTCPeerConnection[] }
      const live = madeConnections.filter(each => each.connectionState === "connected")
      return live.map(each => each.getTransceivers().length)
    })
  }

  media(): Promise<Media> {
    return this.page.evaluate(readMedia)
  }

  text(): Promise<string> {
    return this.page.innerText("body")
  }

  close(): Promise<void> {
    return this.context.close()
  }
}
