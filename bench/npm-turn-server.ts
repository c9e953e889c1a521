import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Child } from "./child.ts"
import { answersBinding, freePort, type Target, turnTarget } from "./target.ts"

const PACKAGE = "turn-server"
const VERSION = "0.6.6"
const FOLDER = resolve(import.meta.dirname, "../.cache/bench/npm-turn-server")
const USER = { username: "user", password: "pass" }

/** How long npm may take, ms. */
const INSTALL = 60_000

/** npm's `turn-server`, installed where it is not yet. What it returns instead says why it cannot be had. */
export async function npmTurnServer(): Promise<Target | string> {
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=0"]
  const install = ["install", "--prefix", FOLDER, ...quiet, `${PACKAGE}@${VERSION}`]
  const { error, status, stderr } = spawnSync("npm", install, { encoding: "utf8", timeout: INSTALL })
  if (error !== undefined || status !== 0) return `npm ${install.join(" ")}: ${error?.message ?? stderr}`
  const port = await freePort()
  const entry = pathToFileURL(`${FOLDER}/node_modules/${PACKAGE}/index.js`).href
  const driver = resolve(import.meta.dirname, "npm-turn-server-main.ts")
  const child = Child.start(process.execPath, driver, entry, String(port), USER.username, USER.password)
  try {
    await answersBinding(child, port)
    return turnTarget(`npm ${PACKAGE} ${VERSION}`, child, port, [USER])
  } catch (error) {
    await child.stop()
    return String(error)
  }
}
