import assert from "node:assert/strict"
import { createRequire } from "node:module"
import { basename } from "node:path"
import { after, before, describe, test } from "node:test"
import type { AxeResults, RunOptions } from "axe-core"
import type { Browser, Page } from "playwright-core"
import {
  everyLook,
  type Gallery,
  openScene,
  SCREENS,
  sceneNames,
  scenePage,
  serveGallery,
} from "../scripts/gallery.ts"
import { launchChromium } from "./harness.ts"

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js")

/** Scenes looked at side by side: each takes a moment until it is all there. */
const AT_ONCE = 3

/** A desktop of 1280 × 800 at a zoom of 200 %. */
const ZOOMED = { width: 640, height: 400 }

/** Every state of the pages, as axe-core judges it: WCAG 2.2 A and AA, and its own best practices. */
describe("Everybody can use the pages", () => {
  let browser: Browser
  let gallery: Gallery
  let names: readonly string[]

  before(async () => {
    browser = await launchChromium({ flags: ["--autoplay-policy=no-user-gesture-required"] })
    gallery = await serveGallery(AXE)
    names = await sceneNames(browser, gallery)
  })
  after(async () => {
    await browser?.close()
    await gallery?.[Symbol.asyncDispose]()
  })

  /** Looks at each of these scenes, a few at once. */
  async function inEach(
    scenes: readonly string[],
    viewport: typeof ZOOMED,
    look: (page: Page, name: string) => Promise<void>,
  ): Promise<void> {
    const waiting = [...scenes]
    const lookOn = async (): Promise<void> => {
      const page = await scenePage(browser, viewport)
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        await openScene(page, gallery, name)
        await look(page, name)
      }
      await page.context().close()
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lookOn))
  }

  test("nothing is cut at a zoom of 200 %", () =>
    inEach(
      ["home", "lobby-ok", "lobby-denied", "waiting", "call-5", "call-host", "call-chat", "call-menu"],
      ZOOMED,
      async (page, name) => {
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>("button, input, select, textarea, h1")]
            .filter(each => each.checkVisibility())
            .filter(each => {
              const { left, right, top } = each.getBoundingClientRect()
              return left < 0 || right > innerWidth || top < 0
            })
            .map(each => each.outerHTML.slice(0, 120)),
        )
        assert.deepEqual(cut, [], name)
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name)
      },
    ))

  test("the keyboard reaches every control, and shows where it is", () =>
    inEach(
      ["home", "lobby-ok", "waiting", "call-quality", "call-host-many", "call-chat", "call-timeline"],
      SCREENS.desktop,
      async (page, name) => {
        await page.keyboard.press("Escape")
        const controls = "button:not(:disabled), input, select, textarea, a[href]"
        const wanted = await page.locator(`:is(${controls}):visible`).count()
        const reached = new Set<string>()
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
        for (let i = 0; i < wanted * 2 + 4; i++) {
          await page.keyboard.press("Tab")
          const at = await page.evaluate(controls => {
            const here = document.activeElement as HTMLElement
            if (!here.matches(controls)) return undefined
            const all = [...document.querySelectorAll(controls)]
            const { outlineStyle, opacity } = getComputedStyle(here)
            const marked = here.closest(".composer, .field") ?? here
            const shown = outlineStyle !== "none" || getComputedStyle(marked).outlineStyle !== "none"
            return {
              index: String(all.indexOf(here)),
              seen: shown && opacity !== "0",
              html: here.outerHTML.slice(0, 120),
            }
          }, controls)
          if (at === undefined) continue
          assert.ok(at.seen, `${name}: the focus does not show on ${at.html}`)
          reached.add(at.index)
        }
        assert.equal(reached.size, wanted, name)
      },
    ))

  test("axe-core finds no serious fault in any scene, on a phone and a desktop, light and dark", async () => {
    const found: Record<string, string[]> = {}
    await inEach(names, SCREENS.desktop, async (page, name) => {
      const here = await faults(page, gallery)
      if (here.length > 0) found[name] = here
    })
    assert.ok(names.length > 50)
    assert.deepEqual(found, {})
  })
})

async function faults(page: Page, gallery: Gallery): Promise<string[]> {
  await page.addScriptTag({ url: new URL(basename(AXE), gallery.url).href })
  const found: string[] = []
  for await (const { screen, scheme } of everyLook(page)) {
    // What is dark differs in nothing but its colours.
    const only = scheme === "dark" ? { runOnly: ["color-contrast"] } : {}
    const { violations } = await page.evaluate(
      options =>
        (globalThis as unknown as { axe: { run: (options: RunOptions) => Promise<AxeResults> } }).axe.run(
          options,
        ),
      { resultTypes: ["violations"], ...only } satisfies RunOptions,
    )
    for (const { id, impact, help, nodes } of violations)
      if (impact === "serious" || impact === "critical")
        found.push(
          `${screen} ${scheme}: ${id} (${help}): ${nodes.map(({ html }) => html.slice(0, 200)).join("\n  ")}`,
        )
  }
  return found
}
