import { readFileSync } from "node:fs"
import { isIP } from "node:net"
import { parseIp } from "@tightbeam/webrtc/bytes"
import { isUnspecified } from "../listening-address.ts"
import type { Config } from "./config.ts"
import { fromEnvironment } from "./from-environment.ts"
import { fromFlags, type OwnFlag } from "./from-flags.ts"
import { fromYaml } from "./from-yaml.ts"
import { keyByPath } from "./keys.ts"
import { parseConfig, SECRET_KEYS, SHORTEST_SECRET } from "./schema.ts"
import type { Layer, Setting } from "./setting.ts"

/** The file that is read when it is there and no other is named. */
const DEFAULT_FILE = "tightbeam.yaml"

export interface Sources {
  /** Arguments after the command. */
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Flags of the command itself. */
  readonly ownFlags?: Readonly<Record<string, OwnFlag>>
  /** Throws as `readFileSync` does. */
  readonly readFile?: (path: string) => string
}

export interface Loaded {
  readonly config: Config
  /** Where each key that is not at its default was set. */
  readonly origins: ReadonlyMap<string, string>
  /** The command's own flags, by name without dashes. */
  readonly own: ReadonlyMap<string, string | true>
}

/** Everything that is wrong with a configuration, each with its place and what is legal. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join("\n"))
    this.problems = problems
  }
}

/**
 * Reads the configuration: defaults, then the file, the environment and the flags, each over the one
 * before. Throws `ConfigError` with all problems of all places at once.
 */
export function loadConfig(sources: Sources): Loaded {
  const readFile = sources.readFile ?? (path => readFileSync(path, "utf8"))
  const flags = fromFlags(sources.args, sources.ownFlags ?? {})
  const file = fileLayer(flags.own.get("config"), readFile)
  const layers = [file, fromEnvironment(sources.environment), flags]
  const problems = layers.flatMap(layer => layer.problems)

  const effective = new Map<string, Setting>()
  for (const setting of layers.flatMap(layer => layer.settings)) {
    const problem = problemWith(setting)
    if (problem === undefined) effective.set(setting.path, setting)
    else problems.push(problem)
  }
  const secretFile = effective.get("access.secretFile")
  if (secretFile !== undefined) readSecret(secretFile, effective, readFile, problems)
  if (problems.length > 0) throw new ConfigError(problems)

  const config = parseConfig(tree(effective.values()))
  const origins = new Map([...effective].map(([path, { where }]) => [path, where]))
  const conflicts = conflictsOf(config, origins)
  if (conflicts.length > 0) throw new ConfigError(conflicts)
  return { config, origins, own: flags.own }
}

function fileLayer(named: string | true | undefined, readFile: (path: string) => string): Layer {
  const path = typeof named === "string" ? named : DEFAULT_FILE
  try {
    return fromYaml(readFile(path), path)
  } catch (error) {
    if (typeof named !== "string" && (error as NodeJS.ErrnoException).code === "ENOENT")
      return { settings: [], problems: [] }
    return { settings: [], problems: [`${path}: ${reasonOf(error)}`] }
  }
}

function problemWith({ path, value, where }: Setting): string | undefined {
  const key = keyByPath.get(path)!
  if (value !== undefined && key.schema.safeParse(value).success) return undefined
  const shown = SECRET_KEYS.has(path) ? "" : ` is ${shorten(JSON.stringify(value) ?? "nothing")}:`
  // In the environment and on the command line the place is the key.
  const name = where === key.env || where === key.flag ? where : `${where}: ${path}`
  return `${name}${shown} must be ${key.legal}`
}

function readSecret(
  { value, where }: Setting,
  effective: Map<string, Setting>,
  readFile: (path: string) => string,
  problems: string[],
): void {
  const path = value as string
  const other = effective.get("access.secret")
  if (other !== undefined) {
    problems.push(`access.secret (${other.where}) and access.secretFile (${where}) are both set: keep one`)
    return
  }
  try {
    const secret = readFile(path).trim()
    if (secret.length >= SHORTEST_SECRET)
      effective.set("access.secret", { path: "access.secret", value: secret, where: path })
    else problems.push(`${path}: the secret must be at least ${SHORTEST_SECRET} characters`)
  } catch (error) {
    problems.push(`access.secretFile (${where}): ${path}: ${reasonOf(error)}`)
  }
}

/** What is legal key by key and still makes no sense. */
function conflictsOf({ tls, turn, access }: Config, origins: ReadonlyMap<string, string>): string[] {
  const at = (path: string): string => `${path} (${origins.get(path) ?? "default"})`
  const problems: string[] = []
  if (tls.mode === "files") {
    for (const name of ["cert", "key"] as const)
      if (tls[name] === undefined)
        problems.push(`${at("tls.mode")} is files: set tls.${name} to the path of a PEM file`)
  } else {
    for (const name of ["cert", "key"] as const)
      if (tls[name] !== undefined)
        problems.push(`${at(`tls.${name}`)} is set: set tls.mode to files, or it has no effect`)
  }
  if (turn.relayPorts.min > turn.relayPorts.max)
    problems.push(
      `${at("turn.relayPorts.min")} is ${turn.relayPorts.min}: must not be above turn.relayPorts.max, ${turn.relayPorts.max}`,
    )
  if (turn.announce !== undefined) {
    const shown = `${at("turn.announce")} is ${turn.announce}`
    if (!isUnicast(turn.announce)) problems.push(`${shown}: must be an address that clients can reach`)
    else if (isIP(turn.announce) === 6 && isIP(turn.address) === 4)
      problems.push(`${shown}: TURN listens on IPv4 only, set turn.address to "::"`)
  }
  if (turn.announceV6 !== undefined) {
    const shown = `${at("turn.announceV6")} is ${turn.announceV6}`
    if (!isUnicast(turn.announceV6)) problems.push(`${shown}: must be an address that peers can reach`)
    else if (isIP(turn.announce ?? (isUnspecified(turn.address) ? "" : turn.address)) === 6)
      problems.push(`${shown}: there is one IPv6 address already, by turn.announce or turn.address`)
  }
  problems.push(...secondConflicts(turn, at))
  // A client that comes from another address may be another thread's, which does not have its allocation.
  if (turn.mobility && turn.workers > 1)
    problems.push(`${at("turn.mobility")} is true: needs turn.workers to be 1 or 0`)
  if (turn.offerTls === "always" && tls.mode === "off")
    problems.push(
      `${at("turn.offerTls")} is always: set tls.mode to auto or files, there is no TLS otherwise`,
    )
  if (turn.tlsHost !== undefined && turn.offerTls === "auto" && tls.mode !== "files")
    problems.push(`${at("turn.tlsHost")} is set: set tls.mode to files, or it has no effect`)
  if (access.mode === "token" && access.secret === undefined)
    problems.push(
      `${at("access.mode")} is token: set access.secret or access.secretFile to what your server signs tokens with`,
    )
  return problems
}

/** A second address needs a first one beside it, on which answers leave by the address that was asked. */
function secondConflicts({ address, port, second }: Config["turn"], at: (path: string) => string): string[] {
  if (second.address === undefined) {
    const stray = second.announce !== undefined
    return stray ? [`${at("turn.second.announce")} is set: set turn.second.address, or it has no effect`] : []
  }
  const shown = `${at("turn.second.address")} is ${second.address}`
  const problems: string[] = []
  if (!isUnicast(second.address)) problems.push(`${shown}: must be one address of this machine`)
  if (isUnspecified(address))
    problems.push(
      `${shown}: set turn.address to the first address of this machine, ${address} is all of them`,
    )
  else if (isIP(address) !== isIP(second.address))
    problems.push(`${shown}: must be of the same address family as turn.address, ${address}`)
  else if (address === second.address) problems.push(`${shown}: must not be turn.address`)
  if (port !== 0 && port === second.port)
    problems.push(`${at("turn.second.port")} is ${port}: must not be turn.port`)
  const { announce } = second
  if (announce !== undefined && (!isUnicast(announce) || isIP(announce) !== isIP(second.address)))
    problems.push(
      `${at("turn.second.announce")} is ${announce}: must be an address that clients can reach, of the family of turn.second.address`,
    )
  return problems
}

/** Neither unspecified nor multicast nor broadcast. */
function isUnicast(text: string): boolean {
  const ip = parseIp(text)
  if (ip === undefined || ip.every(byte => byte === 0)) return false
  return ip.length === 4 ? ip[0]! < 224 : ip[0] !== 0xff
}

function tree(settings: Iterable<Setting>): object {
  const root: Record<string, unknown> = {}
  for (const { path, value } of settings) {
    const parts = path.split(".")
    let section = root
    for (const part of parts.slice(0, -1)) section = (section[part] ??= {}) as Record<string, unknown>
    section[parts.at(-1)!] = value
  }
  return root
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** What a system error means to whoever runs the server. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === "ENOENT") return "there is no such file"
  if (code === "EACCES" || code === "EPERM") return "may not be read by this user"
  if (code === "EISDIR") return "is a folder, not a file"
  return message
}
