import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"

/**
 * A process of this benchmark that ends with it, whatever ends it: the kernel sees to that (prctl(2),
 * PR_SET_PDEATHSIG). A coturn left behind would share its port with the next one, and so the packets (SO_REUSEPORT).
 */
export class Child {
  readonly #process: ChildProcess
  readonly #command: string
  #output = ""

  static start(command: string, ...args: readonly string[]): Child {
    const all = ["--pdeathsig", "KILL", command, ...args]
    return new Child(spawn("setpriv", all, { stdio: ["ignore", "pipe", "pipe"] }), command)
  }

  private constructor(child: ChildProcess, command: string) {
    this.#process = child
    this.#command = command
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString()
      })
    child.once("error", error => {
      this.#output += String(error)
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Waits until it has printed something like this. Rejects where it ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#output)
      if (found !== null) return found
      await Promise.race([
        once(this.#process.stdout!, "data"),
        once(this.#process.stderr!, "data"),
        this.ended(),
      ])
    }
  }

  /** Rejects when it ends by itself. */
  async ended(): Promise<never> {
    if (!this.#hasEnded) await once(this.#process, "close")
    throw new Error(`${this.#command} ended:\n${this.#output}`)
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return
    this.#process.kill("SIGKILL")
    await once(this.#process, "exit")
  }

  get #hasEnded(): boolean {
    const { exitCode, signalCode, pid } = this.#process
    return pid === undefined || exitCode !== null || signalCode !== null
  }
}
