import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"

/** The way in, as it goes when something is missing, and without a mouse. */
describe("The lobby", () => {
  let server: Server
  let browser: Browser
  before(async () => {
    server = await Server.start()
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  /** A page whose getUserMedia fails in one way. */
  async function failing(error: string): Promise<Page> {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.addInitScript(name => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("", name)
      }
    }, error)
    await page.goto(`${server.url}/r/standup`)
    return page
  }

  for (const [error, words] of [
    ["NotAllowedError", /may not use your camera and microphone.*Allow.*join anyway/s],
    ["NotReadableError", /in use.*Close other.*join anyway/s],
    ["AbortError", /did not start in time.*join anyway/s],
  ] as const)
    test(`after ${error} the page says what to do, and one can join`, async () => {
      const page = await failing(error)
      assert.match(await page.getByTestId("permission-error").innerText(), words)
      await page.getByTestId("join").click()
      await page.getByRole("heading", { name: /only one here/ }).waitFor()
      await page.context().close()
    })

  test("a page without media devices names the secure address", async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.addInitScript(() =>
      Object.defineProperty(navigator, "mediaDevices", { value: undefined, configurable: true }),
    )
    await page.goto(`${server.url}/r/standup`)
    const text = await page.getByTestId("permission-error").innerText()
    assert.ok(text.includes(`${server.url.replace("http:", "https:")}/r/standup`), text)
    await context.close()
  })

  test("from the front page into a call and out again with the keyboard alone", async () => {
    const person = await Person.open(browser, server.url)
    const { page } = person
    await person.at("room-input").focus()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("By Keyboard")
    await page.keyboard.press("Enter")
    await person.at("name").waitFor()
    assert.match(page.url(), /\/r\/by-keyboard$/)
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")
    await person.at("leave").waitFor()
    await person.until("the microphone", async () => (await pressed(person, "mic")) === "true")
    await page.keyboard.press("m")
    await person.until("silence", async () => (await pressed(person, "mic")) === "false")
    await page.keyboard.press("c")
    await page.keyboard.type("cmv is text here")
    assert.equal(await person.at("chat-input").inputValue(), "cmv is text here")
    assert.equal(await pressed(person, "mic"), "false")
    await page.keyboard.press("Escape")
    await person.at("chat-input").waitFor({ state: "detached" })
    await page.keyboard.press("l")
    await person.at("rejoin").waitFor()
    assert.deepEqual(person.errors, [])
    await person.close()
  })

  test("one who joins muted and without camera is so, and can change it", async () => {
    const person = await Person.open(browser, `${server.url}/r/quiet`)
    await person.at("toggle-mic").click()
    await person.at("toggle-camera").click()
    await person.join("Ada")
    assert.equal(await pressed(person, "mic"), "false")
    assert.equal(await pressed(person, "camera"), "false")
    await person.at("toggle-camera").click()
    await person.until("the camera", async () => (await pressed(person, "camera")) === "true")
    await person.close()
  })

  test("who closes the page is gone at once", async () => {
    const ada = await Person.open(browser, `${server.url}/r/closing`)
    const ben = await Person.open(browser, `${server.url}/r/closing`)
    await ada.join("Ada")
    await ben.join("Ben")
    await ada.otherTile.waitFor()
    await ben.page.goto("about:blank")
    await ada.otherTile.waitFor({ state: "detached", timeout: 2_000 })
    await ada.close()
    await ben.close()
  })

  test("the name is remembered", async () => {
    const person = await Person.open(browser, `${server.url}/r/standup`)
    await person.join("Grace")
    await person.page.goto(`${server.url}/r/other`)
    assert.equal(await person.at("name").inputValue(), "Grace")
    await person.close()
  })
})

const pressed = (person: Person, what: string) => person.at(`toggle-${what}`).getAttribute("aria-pressed")
