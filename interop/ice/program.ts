import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { IceRole } from "../../packages/webrtc/src/ice/index.ts"
import type { Description } from "./our-agent.ts"

/** Somebody else's agent, as a program that speaks lines of JSON and echoes data with "echo: " in front. */
export class ProgramPeer {
  readonly #child: ChildProcess
  readonly #described = Promise.withResolvers<Description>()
  readonly #connected = Promise.withResolvers<string | undefined>()
  #errors = ""

  constructor(command: readonly string[], role: IceRole) {
    const [program, ...args] = command as [string, ...string[]]
    this.#child = spawn(program, [...args, role], { stdio: ["pipe", "pipe", "pipe"] })
    this.#child.stderr!.on("data", chunk => (this.#errors += chunk))
    createInterface({ input: this.#child.stdout! }).on("line", line => this.#hear(line))
    const end = (why: string) => {
      const error = new Error(`${why} ${this.#errors.trim().split("\n").at(-1) ?? ""}`)
      this.#described.reject(error)
      this.#connected.reject(error)
    }
    this.#child.on("error", error => end(error.message))
    this.#child.on("exit", code => end(`it ended with ${code}:`))
    // Whoever waits hears of it; nobody may be waiting yet.
    this.#described.promise.catch(() => {})
    this.#connected.promise.catch(() => {})
  }

  describe(): Promise<Description> {
    return this.#described.promise
  }

  accept(remote: Description): void {
    this.#child.stdin!.write(`${JSON.stringify({ type: "remote", ...remote })}\n`)
  }

  /** With the types of its pair, where it says. */
  get connected(): Promise<string | undefined> {
    return this.#connected.promise
  }

  close(): void {
    this.#child.kill("SIGKILL")
  }

  #hear(line: string): void {
    // Some print what they do; only objects are meant for us.
    if (!line.startsWith("{")) return
    const said = JSON.parse(line) as { readonly type: string; readonly pair?: string } & Description
    if (said.type === "local") this.#described.resolve(said)
    if (said.type === "connected") this.#connected.resolve(said.pair)
  }
}
