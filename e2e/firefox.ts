/** Somebody in Firefox: driven over WebDriver BiDi, since stock Firefox speaks nothing that playwright-core does. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { networkInterfaces } from "node:os"
import puppeteer, { type Browser, type Page } from "puppeteer-core"
import { type Media, Participant, readMedia, watchConnections } from "./participant.ts"

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  "media.gmp-manager.updateEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "app.update.enabled": false,
  // Names in .local need multicast, which a namespace of our own may lack.
  "media.peerconnection.ice.obfuscate_host_addresses": false,
}

export function launchFirefox(): Promise<Browser> {
  const executablePath = process.env.FIREFOX ?? ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find(existsSync)
  if (executablePath === undefined)
    throw new Error("There is no firefox-esr here. Install it, or name it in FIREFOX.")
  return puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    extraPrefsFirefox: PREFERENCES,
  })
}

/** RFC 5737: addresses that are nobody's. */
const ADDRESS = "192.0.2.2"

/**
 * An address of this host that is no loopback, which is all that Firefox offers its peers. Where there is none (in
 * the tests' own namespace), an interface is made that leads nowhere; it goes with the namespace.
 */
export function outwardAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find(each => each?.family === "IPv4" && !each.internal)
  if (found) return found.address
  const ip = (line: string): Buffer => execFileSync("ip", line.split(" "))
  ip("link add outward type veth peer name nowhere")
  ip("link set nowhere up")
  ip("link set outward up")
  ip(`address add ${ADDRESS}/24 dev outward`)
  ip("route add default via 192.0.2.1 dev outward")
  return ADDRESS
}

/** A person in Firefox who does only what the page offers. */
export class FirefoxPerson extends Participant {
  readonly page: Page
  /** Errors that the page did not catch. */
  readonly errors: string[] = []

  private constructor(page: Page) {
    super()
    this.page = page
    page.on("pageerror", error => this.errors.push(String(error)))
  }

  static async open(browser: Browser, url: string): Promise<FirefoxPerson> {
    const context = await browser.createBrowserContext()
    const page = await context.newPage()
    await page.setViewport({ width: 1280, height: 800 })
    const person = new FirefoxPerson(page)
    await page.evaluateOnNewDocument(watchConnections, "")
    await page.goto(url)
    return person
  }

  async join(name: string): Promise<void> {
    await this.page.waitForSelector('[data-testid="name"]')
    await this.type("name", name)
    await this.click("join")
    await this.page.waitForSelector('[data-testid="leave"]')
  }

  async click(testId: string): Promise<void> {
    await this.page.locator(`[data-testid="${testId}"]`).click()
  }

  async type(testId: string, text: string): Promise<void> {
    await this.page.locator(`[data-testid="${testId}"]`).fill(text)
  }

  async press(testId: string, key: "Enter"): Promise<void> {
    await this.page.focus(`[data-testid="${testId}"]`)
    await this.page.keyboard.press(key)
  }

  count(selector: string): Promise<number> {
    return this.page.$$eval(selector, found => found.length)
  }

  text(selector = "body"): Promise<string> {
    return this.page.$$eval(selector, found => found.map(each => (each as HTMLElement).innerText).join("\n"))
  }

  media(): Promise<Media> {
    return this.page.evaluate(readMedia)
  }

  close(): Promise<void> {
    return this.page.browserContext().close()
  }
}
