/** `npm run example -- NAME`: one of the examples, and a server that lets it in. Ends with Ctrl-C. */
import { spawn } from "node:child_process"
import { buildPages } from "./build-pages.ts"
import { serveExample } from "./examples.ts"

const [name = "script-tag"] = process.argv.slice(2)
const example = await serveExample(name)
await buildPages()
const args = ["--conditions=@tightbeam/source", "packages/server/src/cli/main.ts", "up"]
const server = spawn(process.execPath, [...args, `--http.origins=${example.origin}`], { stdio: "inherit" })
server.once("exit", code => process.exit(code ?? 1))
await example.use("http://localhost:8443")
console.log(`\nThe example: ${example.origin}\n`)
