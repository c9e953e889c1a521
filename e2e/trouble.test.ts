import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { Line, launchChromium, Person, Server } from "./harness.ts"

describe("When things go wrong", () => {
  let server: Server
  let browser: Browser
  let people: Person[]

  before(async () => {
    server = await Server.start()
    browser = await launchChromium()
    people = []
    for (const name of ["Ada", "Ben", "Cyd"]) {
      const person = await Person.open(browser, `${server.url}/r/three`)
      await person.join(name)
      people.push(person)
    }
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  const everybodySeesTwoOthers = () =>
    Promise.all(
      people.map(async person => {
        await person.until(
          "two other tiles with a picture",
          async () => (await person.otherTile.getByTestId("tile-video").count()) === 2,
        )
        await person.seesAndHears()
      }),
    )

  test("three people see and hear each other", async () => {
    await everybodySeesTwoOthers()
    for (const person of people) assert.equal((await person.media()).pairs.length, 2)
  })

  test("a page that is loaded anew leaves no ghost behind", async () => {
    const [ada, , cyd] = people as [Person, Person, Person]
    await cyd.page.reload()
    await ada.until("Cyd to be gone", async () => (await ada.otherTile.count()) === 1)
    await cyd.join("Cyd")
    await everybodySeesTwoOthers()
  })

  test("two who share their screens at once, again and again, end up agreeing, and leave nothing behind", async () => {
    const [ada, ben] = people as [Person, Person, Person]
    for (let i = 0; i < 4; i++) {
      await Promise.all([ada.at("toggle-screen").click(), ben.at("toggle-screen").click()])
      await Promise.all([ada.sharesScreen(true), ben.sharesScreen(true)])
      await Promise.all([ada.at("toggle-screen").click(), ben.at("toggle-screen").click()])
      await Promise.all([ada.sharesScreen(false), ben.sharesScreen(false)])
    }
    await everybodySeesTwoOthers()
    // Camera, microphone, and a screen each way at most.
    for (const count of await ada.sections()) assert.ok(count <= 4, `${count} media sections`)
  })

  test("the server is restarted: media goes on meanwhile, and the room finds itself again", async () => {
    const [ada] = people as [Person]
    await server.kill()
    await ada.at("state-banner").waitFor()
    const { framesDecoded } = await ada.media()
    await ada.until("frames without a server", async () => (await ada.media()).framesDecoded > framesDecoded)
    server = await server.restart()
    await ada.until("the banner to go", async () => (await ada.at("state-banner").count()) === 0)
    await everybodySeesTwoOthers()
  })

  test("no page had an error that nobody caught", () => {
    assert.deepEqual(
      people.flatMap(person => person.errors),
      [],
    )
  })
})

test("who may not use the camera is told why, and joins anyway", async () => {
  const server = await Server.start()
  const browser = await launchChromium({ deny: true })
  try {
    const person = await Person.open(browser, `${server.url}/r/denied`, { grant: false })
    await person.at("permission-error").first().waitFor()
    assert.match(await person.at("permission-error").first().innerText(), /allow/i)
    await person.join("Dee")
    assert.deepEqual(person.errors, [])
  } finally {
    await browser.close()
    await server.stop()
  }
})

describe("When the line to the server is cut", () => {
  let server: Server
  let browser: Browser
  let line: Line
  let ada: Person
  let ben: Person

  before(async () => {
    server = await Server.start()
    line = await Line.to(server)
    browser = await launchChromium()
    ada = await Person.open(browser, `${line.url}/r/cut`)
    ben = await Person.open(browser, `${server.url}/r/cut`)
    await ada.join("Ada")
    await ben.join("Ben")
    await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
  })
  after(async () => {
    await browser?.close()
    await line?.close()
    await server?.stop()
  })

  test("media goes on, the banner says so, and what happened meanwhile arrives", async () => {
    await line.cut()
    await ada.at("state-banner").waitFor()
    assert.match(
      await ada.at("state-banner").innerText(),
      /connection to the server broke.*\n+.*trying again/is,
    )
    const { framesDecoded } = await ada.media()
    // A new media section needs an offer and an answer: they wait at the server for Ada.
    await ben.at("toggle-screen").click()
    await ben.at("toggle-mic").click()
    await ada.until(
      "frames without signaling",
      async () => (await ada.media()).framesDecoded > framesDecoded + 10,
    )
    await line.mend()
    await ada.until("the banner to go", async () => (await ada.at("state-banner").count()) === 0)
    await ada.until(
      "Ben's screen",
      async () => (await ada.page.locator('article[aria-label*="screen"] video').count()) > 0,
    )
    await ada.otherTile.getByLabel(/muted/i).first().waitFor()
  })

  test("they are who they were, on the connection they had", async () => {
    assert.equal(await ada.otherTile.count(), 1)
    assert.equal(await ben.otherTile.count(), 1)
    for (const person of [ada, ben]) assert.equal(await person.connectionsMade(), 1)
    assert.deepEqual([...ada.errors, ...ben.errors], [])
  })
})

test("where no WebSocket gets through, the call comes up over HTTP, and who leaves is gone at once", async () => {
  const server = await Server.start()
  const browser = await launchChromium()
  try {
    const ada = await Person.open(browser, `${server.url}/r/http`, { webSocket: false })
    const ben = await Person.open(browser, `${server.url}/r/http`)
    await ada.join("Ada")
    await ben.join("Ben")
    await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
    await ada.at("leave").click()
    await ben.until("Ada to go", async () => (await ben.otherTile.count()) === 0)
    assert.deepEqual([...ada.errors, ...ben.errors], [])
  } finally {
    await browser.close()
    await server.stop()
  }
})
