import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import { setTimeout as pass } from "node:timers/promises"
import type { Browser } from "playwright-core"
import { launchChromium, Person, Server } from "./harness.ts"
import { Network, noNetworks, type Place } from "./network.ts"

/** The certificate is self-signed; and the browser is told that this is fine. */
const FLAGS = ["--ignore-certificate-errors"]

describe("When somebody's network changes", { skip: noNetworks }, () => {
  let network: Network
  let home: Place
  let server: Server
  let browsers: Browser[]
  let ada: Person
  let ben: Person

  before(async () => {
    network = new Network()
    home = await network.place("5.5.5.10")
    const elsewhere = await network.place("5.5.5.20")
    server = await Server.startAt(network.at)
    browsers = [
      await launchChromium({ flags: FLAGS, executable: home.chromium }),
      await launchChromium({ flags: FLAGS, executable: elsewhere.chromium }),
    ]
    const link = `https://${network.at}:${server.httpPort}/r/moving`
    ada = await Person.open(browsers[0]!, link)
    ben = await Person.open(browsers[1]!, link)
    await ada.join("Ada")
    await ben.join("Ben")
    await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
  })
  after(async () => {
    for (const browser of browsers ?? []) await browser.close()
    await server?.stop()
    network?.close()
  })

  test("unplugged for 10 s and plugged in at another address, the call comes back with every line once", async () => {
    for (const person of [ada, ben]) await person.at("toggle-chat").click()
    await ada.say("from home")
    home.unplug()
    for (const person of [ada, ben]) await person.say("into the void")
    await ada.at("state-banner").waitFor()
    await ada.at("state-banner").getByText("You are offline.").waitFor()
    await pass(10_000)
    await ada.at("state-banner").waitFor()
    for (const person of [ada, ben]) await person.say("after the void")
    home.plug("5.5.5.11")
    await ada.until("the banner to go", async () => (await ada.at("state-banner").count()) === 0)
    await Promise.all([ada.seesAndHears(), ben.seesAndHears()])
    for (const person of [ada, ben]) await person.say("from elsewhere")
    for (const person of [ada, ben]) await person.at("chat-log").getByText("from elsewhere").nth(1).waitFor()
    const lines = ["into the void", "after the void", "from elsewhere"]
    assert.deepEqual(await ada.linesOfOthers(), lines)
    assert.deepEqual(await ben.linesOfOthers(), ["from home", ...lines])
    assert.equal(await ada.otherTile.count(), 1)
    assert.equal(await ben.otherTile.count(), 1)
    assert.deepEqual([...ada.errors, ...ben.errors], [])
  })
})

for (const [over, iceServers, flags] of [
  ["tcp", "", []],
  ["tls", "turns:", ["--turn.offerTls=always", "--turn.tlsHost=5.5.5.1"]],
] as const)
  test(`behind firewalls that swallow UDP, a call is relayed over ${over}`, { skip: noNetworks }, async t => {
    const network = new Network()
    t.after(() => network.close())
    const server = await Server.startAt(network.at, ...flags)
    t.after(() => server.stop())
    const people: Person[] = []
    for (const [name, address] of [
      ["Ada", "5.5.5.10"],
      ["Ben", "5.5.5.20"],
    ] as const) {
      const place = await network.place(address)
      place.blockUdp()
      const browser = await launchChromium({ flags: FLAGS, executable: place.chromium })
      t.after(() => browser.close())
      const link = `https://${network.at}:${server.httpPort}/r/blocked`
      const person = await Person.open(browser, link, { iceServers })
      await person.join(name)
      people.push(person)
    }
    await Promise.all(people.map(person => person.seesAndHears()))
    for (const person of people) {
      const { pairs, relayedOver } = await person.media()
      assert.deepEqual(pairs, ["relay relay"])
      assert.deepEqual(relayedOver, [over])
      assert.deepEqual(person.errors, [])
    }
  })
