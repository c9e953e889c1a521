import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"

/** What makes a call of three pleasant: whom to look at, how good it is, how much comes in. */
describe("In a call of three", () => {
  let server: Server
  let browser: Browser
  let people: Person[]

  before(async () => {
    server = await Server.start()
    browser = await launchChromium()
    people = []
    for (const name of ["Ada", "Guest", "Guest"]) {
      const person = await Person.open(browser, `${server.url}/r/comfort`)
      await person.join(name)
      people.push(person)
    }
    const [ada] = people as [Person]
    await ada.until("two others", async () => (await ada.otherTile.getByTestId("tile-video").count()) === 2)
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  const pinnedTile = (person: Person) => person.otherTile.filter({ has: person.page.getByLabel("Pinned") })

  test("each connection has a mark, and behind it the reasons and what was measured", async () => {
    const [ada] = people as [Person]
    const mark = ada.otherTile.first().getByTestId("quality")
    await mark.waitFor()
    assert.match((await mark.getAttribute("aria-label"))!, /connection to Guest/)
    await mark.focus()
    await ada.page.keyboard.press("Enter")
    await ada.page.getByText("Round trip").waitFor()
    await ada.page.keyboard.press("Escape")
    await ada.page.getByText("Round trip").waitFor({ state: "hidden" })
  })

  test("a tile in focus is pinned by a key, comes to the front, and goes back", async () => {
    const [ada] = people as [Person]
    const tile = ada.otherTile.nth(1)
    const before = (await tile.boundingBox())!
    await tile.getByTestId("tile-menu").focus()
    await ada.page.keyboard.press("p")
    await tile.getByLabel("Pinned").waitFor()
    await ada.until("it to be large", async () => (await tile.boundingBox())!.width > 1.5 * before.width)
    await ada.page.keyboard.press("p")
    await tile.getByLabel("Pinned").waitFor({ state: "detached" })
  })

  test("a pin stays on its person through a restart of the server, though both others have one name", async () => {
    const [ada] = people as [Person]
    await ada.otherTile.nth(1).getByTestId("tile-menu").focus()
    await ada.page.keyboard.press("p")
    await pinnedTile(ada).waitFor()
    const before = (await pinnedTile(ada).getAttribute("data-participant"))!
    // The second guest turns the camera off, which tells the two apart.
    const third = people[2]!
    await third.at("toggle-camera").click()
    await ada.until(
      "the pinned one without picture",
      async () => (await pinnedTile(ada).locator("video").count()) === 0,
    )
    await server.kill()
    await ada.at("state-banner").waitFor()
    server = await server.restart()
    await ada.until("two others again", async () => {
      const ids = await ada.otherTile.evaluateAll(tiles =>
        tiles.map(tile => tile.getAttribute("data-participant")),
      )
      return ids.length === 2 && !ids.includes(before)
    })
    await pinnedTile(ada).waitFor()
    await ada.until("the other's picture", async () => (await ada.otherTile.locator("video").count()) === 1)
    assert.equal(await pinnedTile(ada).locator("video").count(), 0)
    await third.at("toggle-camera").click()
    await pinnedTile(ada).locator("video").waitFor()
    await ada.page.locator("body").click({ position: { x: 640, y: 20 } })
    await ada.page.keyboard.press("p")
    await pinnedTile(ada).waitFor({ state: "detached" })
  })

  test("audio only: no more pictures are sent to who wants none, and they come back", async () => {
    const [ada, ben] = people as [Person, Person]
    await ada.seesAndHears()
    await ada.at("more").click()
    await ada.at("audio-only").click()
    await ada.page.keyboard.press("Escape")
    await ada.until("no pictures", async () => (await ada.otherTile.locator("video").count()) === 0)
    await ada.page.locator('[data-testid="toggle-camera"][aria-pressed="false"]').waitFor()
    const start = await ada.media()
    await ada.until(
      "sound",
      async () => (await ada.media()).audioBytesReceived > start.audioBytesReceived + 30_000,
    )
    const end = await ada.media()
    const video = end.videoBytesReceived - start.videoBytesReceived
    assert.ok(video < 2_000, `${video} bytes of video came in after all`)
    // The others still see each other.
    await ben.seesAndHears()
    await ada.at("audio-only-note").getByRole("button").click()
    await ada.until("pictures", async () => (await ada.otherTile.locator("video").count()) === 2)
    await ada.seesAndHears()
  })

  test("single keys do nothing for who wants that, and the list of them is where it was", async () => {
    const [ada] = people as [Person]
    await ada.page.keyboard.press("?")
    await ada.at("shortcuts").uncheck()
    await ada.page.keyboard.press("Escape")
    await ada.at("shortcuts").waitFor({ state: "detached" })
    await ada.page.keyboard.press("l")
    await ada.page.keyboard.press("?")
    assert.equal(await ada.at("shortcuts").count(), 0)
    await ada.at("more").click()
    await ada.at("help").click()
    await ada.at("shortcuts").check()
    await ada.page.keyboard.press("Escape")
    await ada.page.keyboard.press("m")
    await ada.page.locator('[data-testid="toggle-mic"][aria-pressed="false"]').waitFor()
    await ada.page.keyboard.press("m")
  })

  test("captions are shown to who wants them, and are text", async () => {
    const [ada, ben] = people as [Person, Person]
    assert.equal(await ada.at("captions").count(), 0)
    await ada.page.keyboard.press("u")
    await ada.at("captions").waitFor({ state: "attached" })
    await ben.page.evaluate(() => {
      const { madeChannels } = globalThis as unknown as { madeChannels: RTCDataChannel[] }
      const text = "<b>So</b> the relay is asked last."
      for (const channel of madeChannels)
        if (channel.label === "reliable" && channel.readyState === "open")
          channel.send(JSON.stringify({ topic: "captions", data: { text, final: true } }))
    })
    await ada.at("captions").getByText("<b>So</b> the relay is asked last.").waitFor()
    assert.match(await ada.at("captions").innerText(), /^Guest/)
    await ada.page.keyboard.press("u")
    await ada.at("captions").waitFor({ state: "detached" })
  })

  test("picture in picture shows somebody in a window of its own", async () => {
    const [ada] = people as [Person]
    await ada.at("more").click()
    const [opened] = await Promise.all([ada.context.waitForEvent("page"), ada.at("picture").click()])
    await opened.locator("video").waitFor()
    await ada.at("picture").and(ada.page.locator('[aria-checked="true"]')).waitFor()
    const closed = opened.waitForEvent("close")
    await ada.at("picture").click()
    await closed
    await ada.at("picture").and(ada.page.locator('[aria-checked="false"]')).waitFor()
    await ada.page.keyboard.press("Escape")
  })

  test("where only a video can be in a picture, it is", async () => {
    const [, ben] = people as [Person, Person]
    await ben.page.evaluate(() =>
      Object.defineProperty(globalThis, "documentPictureInPicture", { value: undefined }),
    )
    await ben.at("more").click()
    await ben.at("picture").click()
    await ben.at("picture").and(ben.page.locator('[aria-checked="true"]')).waitFor()
    assert.ok(await ben.page.evaluate(() => document.pictureInPictureElement?.closest(".tile") !== null))
    await ben.at("picture").click()
    await ben.at("picture").and(ben.page.locator('[aria-checked="false"]')).waitFor()
    await ben.page.keyboard.press("Escape")
  })

  test("two shared screens have a tile each", async () => {
    const [ada, ben, cyd] = people as [Person, Person, Person]
    await ben.at("toggle-screen").click()
    await cyd.at("toggle-screen").click()
    await ada.until(
      "both screens",
      async () => (await ada.page.locator('article[aria-label*="screen"] video').count()) === 2,
    )
    assert.equal(await ada.otherTile.count(), 2)
  })

  test("no page had an error that nobody caught", () => {
    assert.deepEqual(
      people.flatMap(person => person.errors),
      [],
    )
  })
})
