/** `openssl s_client` and `s_server` with the command line of ../program.ts; what they print is made what that wants to hear. */
import { spawn } from "node:child_process"
import { createHash, X509Certificate } from "node:crypto"
import { createInterface } from "node:readline"

const GROUPS: Readonly<Record<string, string>> = { x25519: "X25519", secp256r1: "P-256", secp384r1: "P-384" }
/** As it prints them. */
const KEYS: Readonly<Record<string, string>> = {
  X25519: "x25519",
  prime256v1: "secp256r1",
  secp384r1: "secp384r1",
}
const CIPHERS: Readonly<Record<string, string>> = {
  "aes-128-gcm": "AES128-GCM-SHA256",
  "aes-256-gcm": "AES256-GCM-SHA384",
  "chacha20-poly1305": "CHACHA20-POLY1305",
}
const SUITES: Readonly<Record<string, string>> = {
  "AES128-GCM-SHA256": "AES_128_GCM_SHA256",
  "AES256-GCM-SHA384": "AES_256_GCM_SHA384",
  "CHACHA20-POLY1305": "CHACHA20_POLY1305_SHA256",
}
const PROFILES: Readonly<Record<string, { readonly name: string; readonly exported: number }>> = {
  AEAD_AES_128_GCM: { name: "SRTP_AEAD_AES_128_GCM", exported: 56 },
  AEAD_AES_256_GCM: { name: "SRTP_AEAD_AES_256_GCM", exported: 88 },
  AES128_CM_HMAC_SHA1_80: { name: "SRTP_AES128_CM_SHA1_80", exported: 60 },
  AES128_CM_HMAC_SHA1_32: { name: "SRTP_AES128_CM_SHA1_32", exported: 60 },
}

const options = new Map(process.argv.slice(2).map(word => word.split("=", 2) as [string, string]))
const isServer = options.get("role") === "server"
const certificate = ["-cert", options.get("certificate")!, "-key", options.get("key")!]
const ciphers = list("aeads").flatMap(each => [`ECDHE-ECDSA-${CIPHERS[each]}`, `ECDHE-RSA-${CIPHERS[each]}`])
const agreeing = [
  "-cipher",
  ciphers.join(":"),
  "-groups",
  list("groups")
    .map(each => GROUPS[each])
    .join(":"),
]
const profiles = list("srtp").map(each => PROFILES[each]!.name)
const srtp = profiles.length > 0 ? ["-use_srtp", profiles.join(":")] : []
// It prints so many bytes whatever the profile; in 1.2 a shorter export is the beginning of a longer one.
const exporting = ["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "88"]
const mtu = options.has("mtu") ? ["-mtu", options.get("mtu")!] : []
const common = ["-dtls1_2", ...certificate, ...agreeing, ...srtp, ...exporting, ...mtu]
const child = spawn(
  "openssl",
  isServer
    ? [
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-Verify",
        "1",
        ...(options.has("cookie") ? ["-listen"] : []),
        ...common,
      ]
    : ["s_client", "-connect", `127.0.0.1:${options.get("port")}`, ...common],
  { stdio: ["pipe", "pipe", "inherit"] },
)
process.on("exit", () => child.kill("SIGKILL"))
process.on("SIGTERM", () => process.exit())
process.stdin.on("end", () => process.exit()).resume()
child.on("exit", () => say(isTold ? { type: "closed" } : { type: "failed", why: "openssl ended" }))

const found = { cipherSuite: "", group: "", srtp: "", exporter: "", fingerprint: "" }
let pem: string[] | undefined
let isTold = false
for await (const line of createInterface({ input: child.stdout })) read(line)

function read(line: string): void {
  // A server goes on to the next client.
  if (isServer && line === "DONE") say({ type: "closed" })
  if (line.startsWith("message ")) child.stdin.write(`echo: ${line}\n`)
  if (line === "-----BEGIN CERTIFICATE-----") pem = []
  pem?.push(line)
  if (line === "-----END CERTIFICATE-----" && pem !== undefined) {
    const { raw } = new X509Certificate(pem.join("\n"))
    found.fingerprint = createHash("sha256").update(raw).digest("hex")
    pem = undefined
  }
  const port = /^ACCEPT 127\.0\.0\.1:(\d+)/.exec(line)
  if (port !== null) say({ type: "listening", port: Number(port[1]) })
  const suite = /(?:CIPHER is|Cipher is) (ECDHE-\w+)-(\S+)/.exec(line)
  if (suite !== null)
    found.cipherSuite = `TLS_${suite[1]!.replace("-", "_")}_WITH_${SUITES[suite[2]!] ?? suite[2]}`
  const key = /^Server Temp Key: (?:ECDH, )?(\w+)/.exec(line)
  if (key !== null) found.group = KEYS[key[1]!] ?? key[1]!
  const profile = /^SRTP Extension negotiated, profile=(\S+)/.exec(line)
  if (profile !== null)
    found.srtp = Object.keys(PROFILES).find(each => PROFILES[each]!.name === profile[1]) ?? profile[1]!
  const exporter = /^ {4}Keying material: ([0-9A-F]+)/.exec(line)
  if (exporter !== null) {
    found.exporter = exporter[1]!.slice(0, 2 * (PROFILES[found.srtp]?.exported ?? 60)).toLowerCase()
    tell()
  }
}

function tell(): void {
  if (isTold) return
  isTold = true
  const { group, ...rest } = found
  // A server does not tell the group.
  say({ type: "connected", version: "1.2", ...rest, ...(group !== "" && { group }) })
}

function list(name: string): readonly string[] {
  return (options.get(name) ?? "").split(",").filter(each => each !== "")
}

function say(event: object): void {
  console.log(JSON.stringify(event))
}
