import { spawn } from "node:child_process"

/** What a program of somebody else printed, and how it ended. */
export interface Ran {
  /** `null`: it had to be stopped. */
  readonly code: number | null
  readonly output: string
}

/** Runs a program to its end, for `patience` ms at most. */
export function run(program: string, args: readonly string[], patience: number): Promise<Ran> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", chunk => (output += chunk))
  const timer = setTimeout(() => child.kill("SIGKILL"), patience)
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", code => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

/** As `run`; resolves to why it failed, and to `undefined` where it did not. */
export async function attempt(
  program: string,
  args: readonly string[],
  patience: number,
): Promise<string | undefined> {
  try {
    const { code, output } = await run(program, args, patience)
    if (code === 0) return undefined
    return `${program} ended with ${code}: ${output.trim().split("\n").at(-1) ?? ""}`
  } catch (error) {
    return `${program}: ${error instanceof Error ? error.message : String(error)}`
  }
}
