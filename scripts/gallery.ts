/** The gallery (every state of the pages, without a server behind them) built and served, for who wants to look at it all. */
import { once } from "node:events"
import { copyFileSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { basename, extname, join } from "node:path"
import type { Browser, Page, ViewportSize } from "playwright-core"
import { buildPages } from "./build-pages.ts"

export const SCREENS = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
} as const

const SCHEMES = ["light", "dark"] as const

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
}

export interface Gallery extends AsyncDisposable {
  readonly url: string
}

/** `files` are served beside it, by their names. */
export async function serveGallery(...files: readonly string[]): Promise<Gallery> {
  const folder = await mkdtemp(join(tmpdir(), "tightbeam-gallery-"))
  await buildPages({ gallery: true, folder })
  for (const file of files) copyFileSync(file, join(folder, basename(file)))
  const server = createServer(({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost")
    try {
      const body = readFileSync(join(folder, pathname))
      response.writeHead(200, {
        "content-type": TYPES[extname(pathname)] ?? "application/octet-stream",
        // Nothing changes while this serves; scripts that come from a browser's cache come compiled.
        "cache-control": "max-age=3600",
      })
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/gallery.html`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The names of all scenes, as the gallery lists them. */
export async function sceneNames(browser: Browser, gallery: Gallery): Promise<readonly string[]> {
  const page = await browser.newPage()
  await page.goto(gallery.url)
  await page.locator("a").first().waitFor()
  const names = await page.locator("a").allInnerTexts()
  await page.close()
  return names
}

/** A page for one scene after another: nobody remembers anything there. */
export async function scenePage(browser: Browser, viewport: ViewportSize): Promise<Page> {
  const context = await browser.newContext({ viewport, reducedMotion: "reduce" })
  await context.addInitScript(() => localStorage.clear())
  const page = await context.newPage()
  page.on("pageerror", error => {
    throw new Error(`${page.url()}: ${error}`)
  })
  return page
}

/** Shows a scene; resolves once it is all there. */
export async function openScene(page: Page, gallery: Gallery, name: string): Promise<void> {
  await page.goto(`${gallery.url}?scene=${name}`)
  await page.locator("html[data-ready]").waitFor()
}

/** The same page on each screen, light and dark. */
export async function* everyLook(page: Page): AsyncGenerator<{ screen: string; scheme: "light" | "dark" }> {
  for (const [screen, viewport] of Object.entries(SCREENS))
    for (const scheme of SCHEMES) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme: scheme })
      // Two frames: the size, then what follows from it.
      await page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
      yield { screen, scheme }
    }
}
