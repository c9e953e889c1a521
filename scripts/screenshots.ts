/**
 * `npm run screenshots`: every state of the pages, on a phone and on a desktop, light and dark, into `screenshots/`.
 * Names of scenes as arguments: only those.
 */
import { join, resolve } from "node:path"
import { chromium } from "playwright-core"
import { everyLook, openScene, SCREENS, sceneNames, scenePage, serveGallery } from "./gallery.ts"

const folder = resolve(import.meta.dirname, "../screenshots")
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
})
await using gallery = await serveGallery()
const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : await sceneNames(browser, gallery)
const page = await scenePage(browser, SCREENS.desktop)
for (const name of names) {
  await openScene(page, gallery, name)
  for await (const { screen, scheme } of everyLook(page))
    await page.screenshot({ path: join(folder, `${screen}-${scheme}`, `${name}.png`) })
}
await browser.close()
console.log(`${names.length} scenes, four looks of each, in ${folder}`)
