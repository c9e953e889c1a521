/**
 * `npm run screenshots`: every state of the pages, on a phone and on a desktop, light and dark, into `screenshots/`.
 * Names of scenes as arguments: only those.
 */
import { mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { chromium } from "playwright-core"
import { openScene, SCHEMES, SCREENS, sceneNames, serveGallery } from "./gallery.ts"

/** Pages open at a time. */
const AT_ONCE = 4

const folder = resolve(import.meta.dirname, "../screenshots")
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
})
await using gallery = await serveGallery()
const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : await sceneNames(browser, gallery)
for (const [screen, viewport] of Object.entries(SCREENS))
  for (const colorScheme of SCHEMES) {
    const into = join(folder, `${screen}-${colorScheme}`)
    mkdirSync(into, { recursive: true })
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" })
    const waiting = [...names]
    const shoot = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const page = await openScene(context, gallery, name)
        await page.screenshot({ path: join(into, `${name}.png`) })
        await page.close()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, shoot))
    await context.close()
    console.log(`${names.length} screenshots in ${into}`)
  }
await browser.close()
