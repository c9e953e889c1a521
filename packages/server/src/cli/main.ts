#!/usr/bin/env node
import {
  ConfigError,
  configJsonSchema,
  describeConfig,
  loadConfig,
  nearMiss,
  type OwnFlag,
} from "../config/index.ts"
import { DataError } from "../data/index.ts"
import { errorText, escapeText } from "../log/index.ts"
import { VERSION } from "../start.ts"
import { StartError } from "../start-error.ts"
import { CertificateError } from "../tls/index.ts"
import { CommandError } from "./command-error.ts"
import { EXIT } from "./exit.ts"
import { HELP } from "./help.ts"
import { relayCost } from "./relay-cost.ts"
import { token } from "./token.ts"
import { up } from "./up.ts"
import { UsageError } from "./usage-error.ts"

const VALUE: OwnFlag = { takesValue: true }
const ALONE: OwnFlag = { takesValue: false }

const COMMANDS: Readonly<Record<string, Readonly<Record<string, OwnFlag>>>> = {
  up: { qr: ALONE },
  token: { room: VALUE, ttl: VALUE, url: ALONE, "no-publish": ALONE, host: ALONE },
  config: { schema: ALONE },
  "relay cost": { json: ALONE },
}

async function main(command: string, args: readonly string[]): Promise<number> {
  if (command === "help" || command === "--help" || command === "-h" || args.includes("--help")) {
    process.stdout.write(HELP)
    return EXIT.ok
  }
  if (command === "--version") {
    console.log(VERSION)
    return EXIT.ok
  }
  const ownFlags = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined
  if (ownFlags === undefined) {
    const longer = Object.keys(COMMANDS).find(name => name.startsWith(`${command} `))
    const near = longer ?? nearMiss(command, [...Object.keys(COMMANDS), "help"])
    throw new UsageError(
      `"${command}" is not a command.${near === undefined ? "" : ` Did you mean ${near}?`} See: tightbeam help`,
    )
  }
  const loaded = loadConfig({ args, environment: process.env, ownFlags })
  if (command === "up") return up(loaded)
  if (command === "token") console.log(await token(loaded))
  else if (command === "relay cost") console.log(await relayCost(loaded))
  else console.log(loaded.own.has("schema") ? configJsonSchema() : describeConfig(loaded))
  return EXIT.ok
}

/** A command is one word or two. */
function commandOf([first = "help", ...rest]: readonly string[]): { command: string; args: string[] } {
  const isOfTwo = Object.keys(COMMANDS).some(name => name.startsWith(`${first} `))
  const [second] = rest
  if (!isOfTwo || second === undefined || second.startsWith("-")) return { command: first, args: rest }
  return { command: `${first} ${second}`, args: rest.slice(1) }
}

/** Every error that a person can do something about is words; anything else is a bug and shows where. */
function report(error: unknown): number {
  if (error instanceof ConfigError) {
    const { problems } = error
    console.error(
      problems.length === 1
        ? "The configuration has a problem:"
        : `The configuration has ${problems.length} problems:`,
    )
    for (const problem of problems) console.error(`  ${escapeText(problem)}`)
    console.error("Nothing was started. docs/configuration.md lists every key.")
    return EXIT.usage
  }
  if (error instanceof UsageError) {
    console.error(escapeText(error.message))
    return EXIT.usage
  }
  if (error instanceof StartError || error instanceof CommandError) {
    console.error([escapeText(error.message), ...error.hints.map(hint => `  ${hint}`)].join("\n"))
    return EXIT.failed
  }
  if (error instanceof DataError || error instanceof CertificateError) {
    console.error(escapeText(error.message))
    return EXIT.failed
  }
  console.error(errorText(error))
  return EXIT.failed
}

const { command, args } = commandOf(process.argv.slice(2))
process.exitCode = await main(command, args).catch(report)
// A second signal must end it whatever still holds on.
if (process.exitCode === EXIT.forced) process.exit()
