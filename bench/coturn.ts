import { spawnSync } from "node:child_process"
import { Child } from "./child.ts"
import { answersBinding, freePort, type TurnTarget, turnTarget } from "./target.ts"

const USER = { username: "user", password: "pass" }

/** The coturn of this system, with one thread that relays. */
export async function coturn(): Promise<TurnTarget> {
  const version = coturnVersion("turnserver")
  if (version === undefined)
    throw new Error("There is no turnserver to compare with. On Debian: apt-get install coturn")
  return startCoturn(`coturn ${version}`, ["turnserver", "--no-cli", "--no-dtls"])
}

/** `undefined` where there is none. */
export function coturnVersion(...command: readonly [string, ...string[]]): string | undefined {
  const [program, ...args] = command
  const { error, stdout } = spawnSync(program, [...args, "--version"], { encoding: "utf8" })
  return error === undefined ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined
}

/** `command`: the program, and what flags it takes beside those that every version knows. */
export async function startCoturn(
  name: string,
  [program, ...flags]: readonly [string, ...string[]],
): Promise<TurnTarget> {
  const port = await freePort()
  const quiet = ["-n", "--no-tls", "--log-file=/dev/null", "--pidfile=/dev/null"]
  const relaying = ["-L", "127.0.0.1", "-E", "127.0.0.1", "--allow-loopback-peers", "--relay-threads=1"]
  const auth = ["--lt-cred-mech", "-u", `${USER.username}:${USER.password}`, "-r", "bench.local"]
  const child = Child.start(program, ...flags, ...quiet, ...relaying, ...auth, `--listening-port=${port}`)
  try {
    await answersBinding(child, port)
    return turnTarget(name, child, port, [USER])
  } catch (error) {
    await child.stop()
    throw error
  }
}
