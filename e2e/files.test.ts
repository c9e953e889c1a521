import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import {
  acceptFiles,
  filesArrived,
  filesBecome,
  inFilesCall,
  MB,
  makeAndSend,
  saved,
  sha256,
} from "./files.ts"
import { killConnections, launchChromium, type Person, Server } from "./harness.ts"

describe("Files", () => {
  let server: Server
  let browser: Browser
  let ada: Person
  let ben: Person

  before(async () => {
    server = await Server.start()
    browser = await launchChromium()
    ;[ada, ben] = await inFilesCall(browser, server)
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  const row = (person: Person) => person.at("file-card").last().getByTestId("file-row")

  test("one of 50 MB arrives whole, though the connection dies half-way and then the server", async () => {
    const [hash] = await makeAndSend(ada, [{ name: "film.bin", size: 50 * MB }])
    await acceptFiles(ben)
    await filesArrived(ben, 10 * MB)
    await killConnections(ada)
    await filesArrived(ben, 20 * MB)
    await server.kill()
    server = await server.restart()
    for (const person of [ben, ada]) await filesBecome(person, "done")
    const { name, path } = await saved(ben)
    assert.equal(name, "film.bin")
    assert.equal(await sha256(path), hash)
    for (const person of [ada, ben])
      await person.until("the other to be back", async () => (await person.otherTile.count()) === 1)
  })

  test("five hundred small ones are one offer and one archive", async () => {
    const made = Array.from({ length: 500 }, (_, i) => ({ name: `${i}.txt`, size: i * 7 }))
    await makeAndSend(ada, made)
    await acceptFiles(ben)
    for (const person of [ben, ada]) await filesBecome(person, "done")
    const { name, path } = await saved(ben)
    const bytes = await readFile(path)
    assert.equal(name, "files.zip")
    // The end of an archive tells how many it holds (APPNOTE.TXT §4.3.16).
    const end = bytes.lastIndexOf("PK\u0005\u0006")
    assert.equal(bytes.readUInt16LE(end + 10), 500)
  })

  test("are declined, and cancelled, and both ends say so", async () => {
    await makeAndSend(ada, [{ name: "no.txt", size: 10 }])
    await ben.at("file-card").last().getByRole("button", { name: "Decline" }).click()
    for (const person of [ada, ben]) await filesBecome(person, "declined")
    assert.match(await row(ada).innerText(), /Ben declined/)
    await makeAndSend(ada, [{ name: "long.bin", size: 80 * MB }])
    await acceptFiles(ben)
    await filesArrived(ben, 1 * MB)
    await ada.at("file-card").last().getByRole("button", { name: "Cancel" }).click()
    for (const person of [ada, ben]) await filesBecome(person, "cancelled")
    await ada.at("file-card").last().getByRole("button", { name: "Send again" }).waitFor()
  })

  test("that are dropped on the call are offered, and chat goes on meanwhile", async () => {
    const dropped = await ada.page.evaluateHandle(() => {
      const transfer = new DataTransfer()
      transfer.items.add(new File(["Hello"], "dropped.txt"))
      return transfer
    })
    await ada.page.dispatchEvent("body", "dragover", { dataTransfer: dropped })
    await ada.at("file-drop").waitFor()
    await ada.page.dispatchEvent("body", "drop", { dataTransfer: dropped })
    await ben.at("file-card").last().getByText("dropped.txt").waitFor()
    await acceptFiles(ben)
    await filesBecome(ben, "done")
    assert.equal(await readFile((await saved(ben)).path, "utf8"), "Hello")
    assert.deepEqual([...ada.errors, ...ben.errors], [])
  })
})
