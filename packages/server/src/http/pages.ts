import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { extname, join, relative, sep } from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml; charset=utf-8",
  ".png": "image/png",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".jpg": "image/jpeg",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".mp3": "audio/mpeg",
  ".ogg": "audio/ogg",
}
const COMPRESSIBLE = /^text\/|json|javascript|svg|wasm|icon/
/** `app-3F2A9C1B.js`: the name changes with the contents, so the contents never do. */
const HASHED = /-[A-Z0-9]{8}(\.[a-z0-9]+)+$/

type Compression = "br" | "gzip"
type Encoding = Compression | "identity"

class Page {
  readonly type: string
  readonly cacheControl: string
  readonly etag: string
  readonly #identity: Buffer
  readonly #compressed: Partial<Record<Compression, Buffer>> = {}

  constructor(path: string) {
    this.#identity = readFileSync(path)
    this.type = TYPES[extname(path).toLowerCase()] ?? "application/octet-stream"
    this.cacheControl = HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache"
    this.etag = createHash("sha256").update(this.#identity).digest("base64url").slice(0, 22)
  }

  /** Compressed when somebody first asks for it, which takes some ms: for all pages at once a start would take a second. */
  body(encoding: Encoding): Buffer {
    if (encoding === "identity") return this.#identity
    return (this.#compressed[encoding] ??= COMPRESS[encoding](this.#identity))
  }

  /** The best of what is accepted that makes it smaller. */
  encodingFor(accepted: string): Encoding {
    if (!COMPRESSIBLE.test(this.type)) return "identity"
    const wanted = new Set(
      accepted
        .toLowerCase()
        .split(",")
        .filter(entry => !/;\s*q=0(\.0+)?\s*$/.test(entry))
        .map(entry => entry.split(";")[0]!.trim()),
    )
    for (const encoding of ["br", "gzip"] as const)
      if (wanted.has(encoding) && this.body(encoding).length < this.#identity.length) return encoding
    return "identity"
  }
}

const COMPRESS: Readonly<Record<Compression, (bytes: Buffer) => Buffer>> = {
  // 11 takes a second for a large bundle and saves a few percent.
  br: bytes => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: bytes => gzipSync(bytes, { level: 9 }),
}

/**
 * The built pages, read once. Requests are looked up by name among what was read then:
 * no path of a request ever reaches the file system.
 */
export class Pages {
  readonly #pages = new Map<string, Page>()

  /** Reads every file below `folder`; none when there is no such folder. */
  static load(folder: string): Pages {
    const pages = new Pages()
    let entries: ReturnType<typeof list>
    try {
      entries = list(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return pages
      throw error
    }
    for (const path of entries)
      pages.#pages.set(`/${relative(folder, path).split(sep).join("/")}`, new Page(path))
    return pages
  }

  get size(): number {
    return this.#pages.size
  }

  has(path: string): boolean {
    return this.#pages.has(path)
  }

  /** Answers GET and HEAD for a page that it `has`. */
  send(path: string, request: IncomingMessage, response: ServerResponse, status = 200): void {
    const page = this.#pages.get(path)!
    const encoding = page.encodingFor(request.headers["accept-encoding"] ?? "")
    const body = page.body(encoding)
    // Each encoding is a representation of its own (RFC 9110 §8.8.3.3).
    const etag = `"${page.etag}-${encoding}"`
    const headers = { etag, "cache-control": page.cacheControl, vary: "accept-encoding" }
    if (matches(request.headers["if-none-match"], etag)) {
      response.writeHead(304, headers).end()
      return
    }
    response.writeHead(status, {
      ...headers,
      "content-type": page.type,
      "content-length": body.length,
      ...(encoding === "identity" ? {} : { "content-encoding": encoding }),
    })
    response.end(request.method === "HEAD" ? undefined : body)
  }
}

function list(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === "*") return true
  return ifNoneMatch.split(",").some(each => each.trim().replace(/^W\//, "") === etag)
}
