/** Files in the pages: chosen, accepted, followed, and saved. */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import type { Browser } from "playwright-core"
import { Person, type Server } from "./harness.ts"

export const MB = 1_000_000

/** How long the tests wait for a transfer to come so far, ms. */
const PATIENCE = 600_000

interface Made {
  readonly name: string
  readonly size: number
}

/** A dialog of the system cannot be clicked here: as in browsers that have none. */
const withoutPickers = (person: Person): Promise<void> =>
  person.page.evaluate(() => {
    Object.assign(globalThis, { showSaveFilePicker: undefined, showDirectoryPicker: undefined })
  })

/** Two people in a call with the chat open, where files are. */
export async function inFilesCall(browser: Browser, server: Server): Promise<[ada: Person, ben: Person]> {
  const open = () => Person.open(browser, `${server.url}/r/files`)
  const people: [Person, Person] = [await open(), await open()]
  const [ada, ben] = people
  for (const person of people) await withoutPickers(person)
  await ada.join("Ada")
  await ben.join("Ben")
  await Promise.all(people.map(person => person.seesAndHears()))
  for (const person of people) await person.at("toggle-chat").click()
  return people
}

/** Makes files in the page and chooses them; returns their SHA-256. */
export function makeAndSend(person: Person, made: readonly Made[]): Promise<string[]> {
  return person.page.evaluate(async made => {
    const transfer = new DataTransfer()
    const hashes: string[] = []
    for (const { name, size } of made) {
      const block = crypto.getRandomValues(new Uint8Array(65_536))
      const parts = Array.from({ length: Math.ceil(size / block.length) }, (_, i) => {
        new DataView(block.buffer).setUint32(0, i)
        return block.slice(0, Math.min(block.length, size - i * block.length))
      })
      const file = new File(parts, name)
      transfer.items.add(file)
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))
      hashes.push(Array.from(hash, byte => byte.toString(16).padStart(2, "0")).join(""))
    }
    const input = document.querySelector<HTMLInputElement>("[data-testid=file-input]")!
    input.files = transfer.files
    input.dispatchEvent(new Event("change", { bubbles: true }))
    return hashes
  }, made)
}

export const acceptFiles = (person: Person): Promise<void> =>
  person.at("file-card").last().getByRole("button", { name: "Accept" }).click()

/** Waits until the last offer has come so far; throws when it ends otherwise. */
export async function filesBecome(person: Person, status: string): Promise<void> {
  const row = (status: string) =>
    person.page.locator(`[data-testid=file-card] >> nth=-1 >> [data-testid=file-row][data-status=${status}]`)
  await row(status).or(row("failed")).waitFor({ timeout: PATIENCE })
  if (status !== "failed" && (await row("failed").count()) > 0)
    throw new Error(`The transfer failed: ${await row("failed").innerText()}`)
}

/** Waits until so many bytes of an offer that is under way are there. */
export async function filesArrived(person: Person, bytes: number): Promise<void> {
  await person.page.waitForFunction(
    bytes =>
      [...document.querySelectorAll<HTMLProgressElement>("[data-testid=file-card] progress")].some(
        each => each.value >= bytes,
      ),
    bytes,
    { timeout: PATIENCE },
  )
}

/** What the last card's link saves. */
export async function saved(person: Person): Promise<{ name: string; path: string }> {
  const link = person.at("file-card").last().getByRole("link")
  const [download] = await Promise.all([person.page.waitForEvent("download"), link.click()])
  return { name: download.suggestedFilename(), path: await download.path() }
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest("hex")
}
