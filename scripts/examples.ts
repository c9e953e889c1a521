/** Serves one of the examples: `npm run example -- react`. */
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join, resolve } from "node:path"
import { build } from "esbuild"

const folder = resolve(import.meta.dirname, "../examples")

/** The server that the examples name; who serves one puts the real one there. */
const SERVER = "http://localhost:8443"

export interface ServedExample {
  /** `http://localhost:` and a port of its own. */
  readonly origin: string
  /** Ready once this is told. */
  use(server: string): Promise<void>
  close(): void
}

/** On a free port of the loopback. It answers with 503 until it was told which server to use. */
export async function serveExample(name: string): Promise<ServedExample> {
  const page = join(folder, name, "index.html")
  const script = join(folder, name, "main.tsx")
  if (!existsSync(page)) throw new Error(`There is no example "${name}" in examples/.`)
  const files = new Map<string, { type: string; text: string }>()
  const listener = createServer((request, response) => {
    const file = files.get(request.url ?? "")
    response.writeHead(file ? 200 : files.size === 0 ? 503 : 404, {
      "content-type": file?.type ?? "text/plain",
    })
    response.end(file?.text)
  }).listen(0, "127.0.0.1")
  await once(listener, "listening")
  return {
    origin: `http://localhost:${(listener.address() as AddressInfo).port}`,
    async use(server) {
      const told = (text: string) => text.replaceAll(SERVER, server)
      if (existsSync(script)) {
        const { outputFiles } = await build({
          entryPoints: [script],
          bundle: true,
          write: false,
          format: "esm",
          jsx: "automatic",
          conditions: ["@tightbeam/source"],
          define: { "process.env.NODE_ENV": '"development"' },
        })
        files.set("/main.js", { type: "text/javascript", text: told(outputFiles[0]!.text) })
      }
      files.set("/", { type: "text/html", text: told(readFileSync(page, "utf8")) })
    },
    close() {
      listener.close()
      listener.closeAllConnections()
    },
  }
}
