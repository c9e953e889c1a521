import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser as Chromium } from "playwright-core"
import type { Browser as Firefox } from "puppeteer-core"
import { FirefoxPerson, launchFirefox, outwardAddress } from "./firefox.ts"
import { launchChromium, Person, Server } from "./harness.ts"

const DIRECT = ""
const RELAY = "?relay=1"

/**
 * Two engines that have nothing in common but the standards. Where only Firefox keeps to the relay, it asks the relay
 * first for what Chromium has at the relay's own address, which is denied, and then for Chromium's relayed address.
 */
describe("Two engines", () => {
  let server: Server
  let chromium: Chromium
  let firefox: Firefox

  before(async () => {
    // Firefox never leaves by the loopback, so the relay is where both get to.
    const address = outwardAddress()
    server = await Server.start(`--turn.address=${address}`, `--turn.announce=${address}`)
    chromium = await launchChromium({ loopback: false })
    firefox = await launchFirefox()
  })
  after(async () => {
    await firefox?.close()
    await chromium?.close()
    await server?.stop()
  })

  for (const { room, title, chromiumBy, firefoxBy, ends } of [
    { room: "direct", title: "Firefox and Chromium", chromiumBy: DIRECT, firefoxBy: DIRECT, ends: /direct/i },
    {
      room: "relay",
      title: "Firefox and Chromium through the relay",
      chromiumBy: RELAY,
      firefoxBy: RELAY,
      ends: /relayed/i,
    },
    {
      room: "half",
      title: "Firefox through the relay, Chromium anyhow",
      chromiumBy: DIRECT,
      firefoxBy: RELAY,
      ends: /relayed/i,
    },
  ])
    describe(title, () => {
      let ada: Person
      let finn: FirefoxPerson

      before(async () => {
        const link = `${server.url}/r/${room}`
        ada = await Person.open(chromium, link + chromiumBy)
        finn = await FirefoxPerson.open(firefox, link + firefoxBy)
      })
      after(async () => {
        await finn?.close()
        await ada?.close()
      })

      test("both see and hear each other", async () => {
        await ada.join("Ada")
        await finn.join("Finn")
        await Promise.all([ada.seesAndHears(), finn.seesAndHears()])
      })

      test("each knows the way the call takes", async () => {
        await ada.until("the path on Ada's tile", async () =>
          ends.test(await ada.otherTile.getByTestId("path").innerText()),
        )
        await finn.until("the path on Finn's tile", async () =>
          ends.test(await finn.text('[data-testid="path"]')),
        )
      })

      test("a shared screen reaches Firefox, and ends", async () => {
        await ada.at("toggle-screen").click()
        await finn.until("Ada's screen", async () => (await finn.count('[data-source="screen"] video')) > 0)
        await ada.at("toggle-screen").click()
        await finn.until("the screen to go", async () => (await finn.count('[data-source="screen"]')) === 0)
      })

      test("what one writes the other reads", async () => {
        await finn.click("toggle-chat")
        await finn.type("chat-input", "Hello from the other engine")
        await finn.press("chat-input", "Enter")
        await ada.at("toggle-chat").click()
        await ada.at("chat-log").getByText("Hello from the other engine").waitFor()
      })

      test("no page had an error that nobody caught", () => {
        assert.deepEqual([...ada.errors, ...finn.errors], [])
      })
    })
})
