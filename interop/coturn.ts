import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import { setTimeout as wait } from "node:timers/promises"

export const USERNAME = "user"
export const PASSWORD = "pass"

/** How long it may take to listen, ms. */
const START = 10_000

/** `undefined` where it is not installed. */
export function coturnVersion(): string | undefined {
  const { error, stdout } = spawnSync("turnserver", ["--version"], { encoding: "utf8" })
  return error === undefined ? (/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "?") : undefined
}

/** A coturn of our own on loopback, for UDP and TCP; with a certificate (`--cert=`, `--pkey=`) for TLS as well. */
export class Coturn {
  readonly port: number
  readonly #process: ChildProcess

  static async start(...flags: string[]): Promise<Coturn> {
    const port = await freePort()
    const tls = flags.some(flag => flag.startsWith("--cert=")) ? [] : ["--no-tls"]
    const quiet = ["-n", "--no-cli", ...tls, "--no-dtls", "--log-file=/dev/null", "--pidfile=/dev/null"]
    const listening = ["-L", "127.0.0.1", "-E", "127.0.0.1", `--listening-port=${port}`]
    const auth = ["--lt-cred-mech", "-u", `${USERNAME}:${PASSWORD}`, "-r", "interop.local"]
    const all = [...quiet, ...listening, "--allow-loopback-peers", ...auth, ...flags]
    const child = spawn("turnserver", all, { stdio: "ignore" })
    const coturn = new Coturn(port, child)
    await coturn.#listening()
    return coturn
  }

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#process = child
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    this.#process.kill()
    await once(this.#process, "exit")
  }

  /** It opens TCP after UDP; what it says of itself stays in its buffer. */
  async #listening(): Promise<void> {
    const deadline = performance.now() + START
    while (!(await accepts(this.port))) {
      if (this.#process.exitCode !== null || performance.now() > deadline)
        throw new Error(`turnserver does not listen on port ${this.port}`)
      await wait(50)
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1")
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, "close")
  return port
}
