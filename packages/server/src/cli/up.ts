import { EVIDENCE_VERSION } from "@tightbeam/webrtc/contract"
import type { Loaded } from "../config/index.ts"
import { createLog, errorText, type Log } from "../log/index.ts"
import { services } from "../services.ts"
import { type Running, start } from "../start.ts"
import { EXIT } from "./exit.ts"
import { welcome } from "./output.ts"

/** Runs until a signal; resolves with the exit code. Rejects when it could not start. */
export async function up({ config, own }: Loaded): Promise<number> {
  const log = createLog({
    level: config.log.level,
    form: process.stderr.isTTY ? "text" : "json",
    write: line => process.stderr.write(`${line}\n`),
  })
  const starting = start(config, {
    log,
    services: services(),
    // There is some with every signal: nothing is made of it that nobody reads.
    ...(config.log.level === "debug" && {
      onEvidence: evidence => log.debug("Evidence", { schema: EVIDENCE_VERSION, ...flatten(evidence) }),
    }),
  })
  // From the beginning: the platform's own handling of a signal drops every call.
  const stopped = Promise.withResolvers<number>()
  let signals = 0
  const onSignal = (signal: string): void => {
    signals++
    if (signals > 1) return stopped.resolve(EXIT.forced)
    log.info("Draining", { signal, seconds: config.drain })
    starting
      .then(running => running.drain())
      .then(
        () => stopped.resolve(EXIT.ok),
        error => {
          log.error("Could not close", { error: errorText(error) })
          stopped.resolve(EXIT.failed)
        },
      )
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
  const running = await starting
  process.on("SIGHUP", () => reload(running, log))
  // Whoever reads this may stop reading: no reason to stop serving.
  process.stdout.on("error", () => {})
  process.stdout.write(`${welcome(running, config, { qr: own.has("qr"), terminal: process.stdout.isTTY })}\n`)
  log.info("Ready", { http: running.httpPort, turn: running.turnPort, metrics: running.metricsPort })
  return stopped.promise
}

function reload(running: Running, log: Log): void {
  try {
    running.reloadCertificate()
    log.info("The certificate was read again")
  } catch (error) {
    log.error("The old certificate stays", { error: (error as Error).message })
  }
}

function flatten(evidence: object): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(evidence).map(([name, value]) => [
      name,
      typeof value === "object" ? JSON.stringify(value) : value,
    ]),
  )
}
