import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"

/** Two people whose networks let no UDP out to the relay, each with what is left. */
for (const [over, iceServers] of [
  ["tcp", "?transport=tcp"],
  ["tls", "turns:"],
] as const)
  describe(`A call through the relay over ${over.toUpperCase()}`, () => {
    let server: Server
    let browser: Browser
    let people: Person[]

    before(async () => {
      // A self-signed certificate does where a browser is told to take any.
      server = await Server.start(
        ...(over === "tls" ? ["--turn.offerTls=always", "--turn.tlsHost=127.0.0.1"] : []),
      )
      browser = await launchChromium({ flags: ["--ignore-certificate-errors"] })
      const link = `${server.url}/r/blocked?relay=1`
      people = [
        await Person.open(browser, link, { iceServers }),
        await Person.open(browser, link, { iceServers }),
      ]
    })
    after(async () => {
      await browser?.close()
      await server?.stop()
    })

    test("both see and hear each other, and the page says how", async () => {
      const [ada, ben] = people as [Person, Person]
      await ada.join("Ada")
      await ben.join("Ben")
      await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
      for (const person of people) {
        const { pairs, relayedOver } = await person.media()
        assert.deepEqual(pairs, ["relay relay"])
        assert.deepEqual(relayedOver, [over])
        const shown = new RegExp(`^Relayed\\s+${over}\\b`, "i")
        await person.until("the path on the tile", async () =>
          shown.test(await person.otherTile.getByTestId("path").innerText()),
        )
        assert.deepEqual(person.errors, [])
      }
    })
  })
