import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import { type ServedExample, serveExample } from "../scripts/examples.ts"
import { launchChromium, Person, Server } from "./harness.ts"

/** The examples, as somebody uses them who copies one: on an origin of their own. */
for (const name of ["script-tag", "react"])
  describe(`The example ${name}`, () => {
    let example: ServedExample
    let server: Server
    let browser: Browser
    before(async () => {
      example = await serveExample(name)
      server = await Server.start(`--http.origins=${example.origin}`)
      await example.use(server.url)
      browser = await launchChromium()
    })
    after(async () => {
      await browser?.close()
      await server?.stop()
      example?.close()
    })

    test("two join, see and hear each other, chat, and one leaves", async () => {
      const [ada, ben] = [
        await Person.open(browser, example.origin),
        await Person.open(browser, example.origin),
      ]
      for (const person of [ada, ben]) {
        await button(person.page, "Join").click()
        if (name === "react")
          for (const device of ["Microphone", "Camera"]) await button(person.page, device).click()
      }
      for (const person of [ada, ben]) {
        await person.page.getByText("In the call, with 1 others.").waitFor()
        await person.seesAndHears()
        assert.equal(await person.connectionsMade(), 1)
      }
      await ada.page.getByRole("textbox", { name: "Message" }).fill("Hello <b>there</b>")
      await button(ada.page, "Send").click()
      await ben.page.getByText("Guest: Hello <b>there</b>").waitFor()
      await ada.page.getByText("You: Hello <b>there</b>").waitFor()
      await button(ada.page, "Leave").click()
      await ben.page.getByText("In the call, with 0 others.").waitFor()
      for (const person of [ada, ben]) {
        assert.deepEqual(person.errors, [])
        await person.close()
      }
    })

    test("without a server the page says so", async () => {
      const person = await Person.open(browser, example.origin, { offline: /\/api\// })
      await button(person.page, "Join").click()
      await person.page.getByText(/The server could not be reached/).waitFor()
      await person.close()
    })
  })

function button(page: Page, name: string) {
  return page.getByRole("button", { name, exact: true })
}
