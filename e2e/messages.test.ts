import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { killConnections, launchChromium, Person, Server } from "./harness.ts"

describe("Chat lines that are said while things break", () => {
  let server: Server
  let browser: Browser
  let ada: Person
  let ben: Person

  before(async () => {
    server = await Server.start()
    browser = await launchChromium()
    ada = await Person.open(browser, `${server.url}/r/lines`)
    ben = await Person.open(browser, `${server.url}/r/lines`)
    await ada.join("Ada")
    await ben.join("Ben")
    await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
    for (const person of [ada, ben]) await person.at("toggle-chat").click()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  const bothRead = async (last: string) => {
    for (const person of [ada, ben]) await person.at("chat-log").getByText(last).nth(1).waitFor()
  }

  test("arrive once, though the connection is closed behind the SDK's back", async () => {
    await ada.say("before")
    await killConnections(ada)
    for (const person of [ada, ben]) for (let i = 1; i <= 3; i++) await person.say(`broken ${i}`)
    await bothRead("broken 3")
    assert.deepEqual(await ben.linesOfOthers(), ["before", "broken 1", "broken 2", "broken 3"])
    assert.deepEqual(await ada.linesOfOthers(), ["broken 1", "broken 2", "broken 3"])
  })

  test("arrive once, though the server is restarted and everybody is somebody new", async () => {
    const before = [(await ada.linesOfOthers()).length, (await ben.linesOfOthers()).length]
    await server.kill()
    for (const person of [ada, ben]) await person.say("without a server")
    server = await server.restart()
    for (const person of [ada, ben]) await person.say("while coming back")
    for (const person of [ada, ben])
      await person.until("the banner to go", async () => (await person.at("state-banner").count()) === 0)
    for (const person of [ada, ben]) await person.say("after all")
    await bothRead("after all")
    const expected = ["without a server", "while coming back", "after all"]
    assert.deepEqual((await ada.linesOfOthers()).slice(before[0]), expected)
    assert.deepEqual((await ben.linesOfOthers()).slice(before[1]), expected)
    assert.deepEqual([...ada.errors, ...ben.errors], [])
  })
})
