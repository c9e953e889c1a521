import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"

/** Two people, from the link to the last goodbye. Run directly, and again with nothing but the relay. */
for (const policy of ["all", "relay"] as const) {
  describe(policy === "all" ? "A call" : "A call through the relay", () => {
    let server: Server
    let browser: Browser
    let ada: Person
    let ben: Person

    before(async () => {
      server = await Server.start()
      browser = await launchChromium()
      const link = `${server.url}/r/standup${policy === "relay" ? "?relay=1" : ""}`
      ada = await Person.open(browser, link)
      ben = await Person.open(browser, link)
    })
    after(async () => {
      await browser?.close()
      await server?.stop()
    })

    test("both join by the link, and see and hear each other", async () => {
      await ada.join("Ada")
      await ben.join("Ben")
      await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
      assert.match(await ada.otherTile.innerText(), /Ben/)
      assert.match(await ben.otherTile.innerText(), /Ada/)
    })

    test(`the selected pair is ${policy === "relay" ? "a relay at both ends" : "direct"}, and the page says so`, async () => {
      for (const person of [ada, ben]) {
        const { pairs } = await person.media()
        assert.equal(pairs.length, 1)
        if (policy === "relay") assert.equal(pairs[0], "relay relay")
        else assert.doesNotMatch(pairs[0]!, /relay/)
        await person.until("the path on the tile", async () =>
          /relayed|direct/i.test(await person.otherTile.getByTestId("path").innerText()),
        )
        const shown = await person.otherTile.getByTestId("path").innerText()
        assert.match(shown, policy === "relay" ? /relayed/i : /direct/i)
      }
    })

    test("all six phases are done, on both timelines", async () => {
      for (const person of [ada, ben]) {
        await person.at("toggle-timeline").click()
        for (const phase of ["signaling", "offer-answer", "candidates", "checks", "security", "transmission"])
          await person.page.locator(`[data-testid="phase-${phase}"][data-status="done"]`).first().waitFor()
        await person.at("toggle-timeline").click()
      }
    })

    test("what one writes in the chat, the other reads, as text", async () => {
      await ada.at("toggle-chat").click()
      await ada.at("chat-input").fill("Hello <b>Ben</b> & co")
      await ada.at("chat-input").press("Enter")
      await ben.at("toggle-chat").click()
      await ben.at("chat-log").getByText("Hello <b>Ben</b> & co").waitFor()
      assert.equal(await ben.at("chat-log").locator("b").count(), 0)
      for (const person of [ada, ben]) await person.at("toggle-chat").click()
    })

    test("a camera that is turned off is told, and its light goes out; it comes back", async () => {
      await ada.at("toggle-camera").click()
      await ben.until(
        "Ada's video to go",
        async () => (await ben.otherTile.getByTestId("tile-video").count()) === 0,
      )
      await ada.at("toggle-camera").click()
      await ben.otherTile.getByTestId("tile-video").waitFor()
      await ben.seesAndHears()
    })

    test("a microphone that is muted is shown as muted", async () => {
      await ada.at("toggle-mic").click()
      await ben.otherTile.getByLabel(/muted/i).first().waitFor()
      await ada.at("toggle-mic").click()
      await ben.until(
        "Ada to be unmuted",
        async () => (await ben.otherTile.getByLabel(/muted/i).count()) === 0,
      )
    })

    test("a shared screen reaches the other, and ends", async () => {
      await ada.at("toggle-screen").click()
      await ben.until(
        "Ada's screen",
        async () => (await ben.page.locator('article[aria-label*="screen"] video').count()) > 0,
      )
      const { framesDecoded } = await ben.media()
      await ben.until("frames of it", async () => (await ben.media()).framesDecoded > framesDecoded)
      await ada.at("toggle-screen").click()
      await ben.until(
        "the screen to go",
        async () => (await ben.page.locator('article[aria-label*="screen"] video').count()) === 0,
      )
    })

    test("who leaves is gone at once, and is back with one click", async () => {
      await ben.at("leave").click()
      await ben.at("rejoin").waitFor()
      await ada.until("Ben to go", async () => (await ada.otherTile.count()) === 0)
      await ben.at("rejoin").click()
      await ben.at("leave").waitFor()
      await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
    })

    test("no page had an error that nobody caught", () => {
      assert.deepEqual([...ada.errors, ...ben.errors], [])
    })
  })
}
