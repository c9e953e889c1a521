import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"

/** Ada came first, so the room is hers. */
describe("A host", () => {
  let server: Server
  let browser: Browser
  let ada: Person
  let ben: Person
  let cyd: Person

  before(async () => {
    server = await Server.start()
    browser = await launchChromium()
    ada = await open()
    ben = await open()
    cyd = await open()
    await ada.join("Ada")
    await ben.join("Ben")
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  const open = () => Person.open(browser, `${server.url}/r/hosted`)
  const knock = async (person: Person, name: string) => {
    await person.at("name").fill(name)
    await person.at("join").click()
    await person.at("waiting").waitFor()
  }
  const tileOf = (person: Person, name: string) =>
    person.otherTile.and(person.page.getByLabel(name, { exact: true }))

  test("turns the waiting room on; others are not asked whether they want one", async () => {
    await ben.at("more").click()
    assert.equal(await ben.at("lock").count(), 0)
    await ben.page.keyboard.press("Escape")
    await ada.at("more").click()
    await ada.at("lock").click()
    await ada.at("lock").and(ada.page.locator('[aria-checked="true"]')).waitFor()
    await ada.page.keyboard.press("Escape")
  })

  test("is told who waits, who sees themselves and nobody else, and lets them in by the keyboard", async () => {
    await knock(cyd, "Cyd")
    await cyd.at("waiting").getByTestId("tile-video").waitFor()
    assert.equal(await cyd.at("tile").count(), 0)
    await ada.at("lobby-note").getByText("Cyd wants to join.").waitFor()
    await ada.until("an announcement", async () =>
      /Cyd wants to join/.test(await ada.at("announcements").innerText()),
    )
    assert.equal(await ben.at("lobby-note").count(), 0)
    await ada.at("admit").focus()
    await ada.page.keyboard.press("Enter")
    await cyd.at("leave").waitFor()
    await cyd.until("two others", async () => (await cyd.otherTile.count()) === 2)
    await Promise.all([ada.seesAndHears(), cyd.seesAndHears()])
    assert.equal(await ada.at("lobby-note").count(), 0)
    // The button that had the focus is gone: the keyboard goes on from the controls.
    await ada.page.locator('[data-testid="more"]:focus').waitFor()
  })

  test("turns somebody away, who reads so and may ask again", async () => {
    const dan = await open()
    await knock(dan, "Dan")
    await ada.at("deny").click()
    await dan.page.getByText("A host did not let you in").waitFor()
    await dan.at("rejoin").click()
    await dan.at("waiting").waitFor()
    await ada.at("lobby-note").getByText("Dan").waitFor()
    // Who gives up is back before the door, with the camera on, and waits no more.
    await dan.at("cancel").click()
    await dan.at("join").waitFor()
    await dan.at("tile-video").waitFor()
    await ada.at("lobby-note").waitFor({ state: "detached" })
    assert.deepEqual(dan.errors, [])
    await dan.close()
  })

  test("sees raised hands in their order, and hears of them", async () => {
    await cyd.page.keyboard.press("h")
    await tileOf(ada, "Cyd").getByLabel("Hand raised, number 1").waitFor()
    await ada.until("an announcement", async () =>
      /Cyd raised a hand/.test(await ada.at("announcements").innerText()),
    )
    await ben.at("toggle-hand").click()
    await tileOf(ada, "Ben").getByLabel("Hand raised, number 2").waitFor()
    await cyd.at("toggle-hand").click()
    await tileOf(ada, "Ben").getByLabel("Hand raised, number 1").waitFor()
    assert.equal(
      await tileOf(ada, "Cyd")
        .getByLabel(/Hand raised/)
        .count(),
      0,
    )
  })

  test("sends somebody out after a second thought, and they read who did it", async () => {
    await tileOf(ada, "Ben").hover()
    await tileOf(ada, "Ben").getByTestId("tile-menu").click()
    await ada.at("kick").click()
    await ada.page.getByRole("button", { name: "Cancel" }).click()
    assert.equal(await ada.otherTile.count(), 2)
    await tileOf(ada, "Ben").getByTestId("tile-menu").click()
    await ada.at("kick").click()
    await ada.at("kick-confirm").click()
    await ben.page.getByText("A host removed you from the call").waitFor()
    assert.equal(await ben.at("rejoin").count(), 0)
    await ada.until("Ben to be gone", async () => (await ada.otherTile.count()) === 1)
    // The button that it came from is gone with the tile: the keyboard goes on from the controls.
    await ada.page.locator('[data-testid="more"]:focus').waitFor()
  })

  test("has the keyboard back at the button of a menu that Escape closes", async () => {
    for (const button of [ada.at("more"), ada.otherTile.getByTestId("tile-menu")]) {
      await button.focus()
      await ada.page.keyboard.press("Enter")
      await button.and(ada.page.locator('[aria-expanded="true"]')).waitFor()
      await ada.page.keyboard.press("Tab")
      await ada.page.locator(".menu-item:focus").waitFor()
      await ada.page.keyboard.press("Escape")
      await button.and(ada.page.locator('[aria-expanded="false"]:focus')).waitFor()
    }
  })

  test("is the only one who has such a menu", async () => {
    await tileOf(cyd, "Ada").hover()
    await tileOf(cyd, "Ada").getByTestId("tile-menu").click()
    await cyd.at("pin").waitFor()
    assert.equal(await cyd.at("kick").count(), 0)
  })

  test("no page had an error that nobody caught", () => {
    assert.deepEqual([...ada.errors, ...ben.errors, ...cyd.errors], [])
  })
})
