import { createHash, X509Certificate } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nodeCrypto } from "../packages/webrtc/src/crypto/node.ts"
import { type Certificate, fingerprintOf, selfSignedCertificate } from "../packages/webrtc/src/dtls/index.ts"
import type { Check, Found } from "./check.ts"
import {
  type Built,
  buildDimpl,
  buildGnutls,
  buildMbedtls,
  buildPion,
  buildWolfssl,
  findOpenssl,
} from "./dtls/builds.ts"
import { type Abilities, ALL_PROFILES, casesOf, type DtlsCase } from "./dtls/cases.ts"
import { LossyPath } from "./dtls/lossy-path.ts"
import { OurListener } from "./dtls/our-listener.ts"
import { OurPeer } from "./dtls/our-peer.ts"
import { type Agreed, ProgramPeer } from "./dtls/program.ts"
import { attempt } from "./tool.ts"

/** How long one step of two programs on one machine may take, ms: theirs repeat what was lost after a second or more. */
const PATIENCE = 20_000

const HMAC_PROFILES = ["AES128_CM_HMAC_SHA1_80", "AES128_CM_HMAC_SHA1_32"] as const
const CLASSICAL = ["x25519", "secp256r1", "secp384r1"] as const

/** Of 1.2 alone, with certificates of both kinds and cookies. */
const ONLY_12: Abilities = {
  versions: ["1.2"],
  groups: CLASSICAL,
  srtp: ALL_PROFILES,
  keys: ["rsa", "p384", "ed25519"],
  clientKeys: [],
  connectionIds: [],
  cookies: ["1.2"],
  recordSizeLimit: false,
  update: false,
  clientMtu: {},
  serverPrefersItsOwn: false,
  wholeHellos: false,
}

const ABILITIES = {
  // In DTLS its server does not sign with Ed25519.
  OpenSSL: { ...ONLY_12, keys: ["rsa", "p384"], clientKeys: ["ed25519"] },
  GnuTLS: { ...ONLY_12, srtp: HMAC_PROFILES, recordSizeLimit: true },
  "Mbed TLS": { ...ONLY_12, srtp: HMAC_PROFILES, keys: ["rsa", "p384"], connectionIds: ["1.2"] },
  "pion/dtls": { ...ONLY_12, connectionIds: ["1.2"] },
  wolfSSL: {
    ...ONLY_12,
    versions: ["1.3", "1.2"],
    groups: ["X25519MLKEM768", ...CLASSICAL],
    srtp: ALL_PROFILES,
    connectionIds: ["1.3", "1.2"],
    cookies: ["1.3", "1.2"],
    update: true,
    // Its ClientHello of 1.3 is not cut into pieces.
    clientMtu: { "1.3": 600 },
    serverPrefersItsOwn: true,
    wholeHellos: true,
  },
  dimpl: {
    ...ONLY_12,
    versions: ["1.3", "1.2"],
    srtp: ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80"],
    keys: ["p384"],
    serverPrefersItsOwn: true,
    cookies: ["1.3", "1.2"],
    update: true,
  },
} as const satisfies Readonly<Record<string, Abilities>>

/** Our DTLS with that of others, either end the client: versions, groups, cipher suites, SRTP profiles, and what goes wrong on the way. With those of a name alone, where one is given. */
export async function dtls(only = ""): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), "tightbeam-dtls-"))
  try {
    const certificates = await makeCertificates(folder)
    if (typeof certificates === "string") return { missing: `certificates for the peers: ${certificates}` }
    const checks: Check[] = []
    const notTried: string[] = []
    for (const [name, built] of await buildAll(only)) {
      if ("missing" in built) {
        notTried.push(`${name}: ${built.missing}`)
        continue
      }
      const peer = `${name} ${built.version}`
      for (const each of casesOf(ABILITIES[name]))
        checks.push(await tryOne(peer, built.command, each, certificates))
    }
    return { checks, notTried }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Name = keyof typeof ABILITIES

const BUILDS: Readonly<Record<Name, () => Built | Promise<Built>>> = {
  OpenSSL: findOpenssl,
  GnuTLS: buildGnutls,
  "Mbed TLS": buildMbedtls,
  "pion/dtls": buildPion,
  wolfSSL: buildWolfssl,
  dimpl: buildDimpl,
}

async function buildAll(only: string): Promise<readonly (readonly [Name, Built])[]> {
  const built: (readonly [Name, Built])[] = []
  for (const name of Object.keys(BUILDS) as Name[])
    if (name.toLowerCase().includes(only.toLowerCase())) built.push([name, await BUILDS[name]()])
  return built
}

interface Certificates {
  /** PEM files without their endings, `.pem` and `.key`. */
  readonly theirs: Readonly<Record<"ecdsa" | "rsa" | "p384" | "ed25519", string>>
  readonly ours: Readonly<Record<"ecdsa" | "rsa", Certificate>>
}

async function makeCertificates(folder: string): Promise<Certificates | string> {
  const at = (name: string) => join(folder, name)
  const theirs = { ecdsa: at("ecdsa"), rsa: at("rsa"), p384: at("p384"), ed25519: at("ed25519") }
  const keys = {
    ecdsa: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    rsa: ["rsa:2048"],
    p384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ed25519: ["ed25519"],
  }
  for (const type of ["ecdsa", "rsa", "p384", "ed25519"] as const) {
    const files = ["-keyout", `${theirs[type]}.key`, "-out", `${theirs[type]}.pem`]
    const about = ["-nodes", "-days", "30", "-subj", "/CN=peer"]
    const args = ["req", "-x509", "-newkey", ...keys[type], ...files, ...about]
    const failed = await attempt("openssl", args, PATIENCE)
    if (failed !== undefined) return failed
  }
  return {
    theirs,
    ours: {
      ecdsa: selfSignedCertificate(nodeCrypto),
      rsa: selfSignedCertificate(nodeCrypto, { type: "rsa-2048" }),
    },
  }
}

async function tryOne(
  peer: string,
  command: readonly string[],
  each: DtlsCase,
  certificates: Certificates,
): Promise<Check> {
  const what = `we are ${each.ourRole}, ${each.what}`
  const reference = each.reference === undefined ? {} : { reference: each.reference }
  const row = { suite: "dtls", peer, case: each.version, what, ...reference }
  const ends = new Ends()
  try {
    await shakeHands(ends, command, each, certificates)
    return { ...row, passed: true }
  } catch (error) {
    const { ours } = ends
    const found = (ours instanceof OurPeer ? ours.rejected : []).map(each => `; we found: ${each}`).join("")
    return { ...row, passed: false, why: `${error instanceof Error ? error.message : String(error)}${found}` }
  } finally {
    await ends.close()
  }
}

/** Both of them, and what is between: closed in any case. */
class Ends {
  ours: OurPeer | OurListener | undefined
  theirs: ProgramPeer | undefined
  path: LossyPath | undefined

  async close(): Promise<void> {
    this.theirs?.close()
    await this.ours?.close()
    this.path?.close()
  }
}

async function shakeHands(
  ends: Ends,
  command: readonly string[],
  each: DtlsCase,
  certificates: Certificates,
): Promise<void> {
  const ourCertificate = certificates.ours[each.certificate?.ours ?? "ecdsa"]
  const theirFiles = certificates.theirs[each.certificate?.theirs ?? "ecdsa"]
  const { raw } = new X509Certificate(readFileSync(`${theirFiles}.pem`))
  const expected = each.wrongFingerprint === true ? ourCertificate.der : raw
  const ourOptions = {
    certificate: ourCertificate,
    remote: [fingerprintOf(nodeCrypto, expected, "sha-256")],
    aeads: [each.aead],
    srtp: [each.srtp],
    ...each.ours,
    ...(each.mtu !== undefined && { mtu: each.mtu.ours }),
    ...(each.connectionIds !== undefined && {
      connectionId: Uint8Array.from(Buffer.from(each.connectionIds.ours, "hex")),
    }),
  }
  const theirOptions = {
    aeads: [each.aead],
    srtp: [each.srtp],
    ...each.theirs,
    certificate: `${theirFiles}.pem`,
    key: `${theirFiles}.key`,
    ...(each.mtu !== undefined && { mtu: each.mtu.theirs }),
    ...(each.connectionIds !== undefined && { cid: each.connectionIds.theirs }),
    ...(each.recordSizeLimit !== undefined && { limit: each.recordSizeLimit }),
    ...(each.cookie === true && { cookie: 1 as const }),
    ...(each.update === "theirs" && { update: 2 }),
  }
  if (each.listens === true) {
    const ours = new OurListener(ourOptions)
    ends.ours = ours
    const port = await portBefore(ends, await ours.listen(), each)
    ends.theirs = new ProgramPeer(command, { role: "client", port, ...theirOptions })
    return listened(ours, ends.theirs, each)
  }
  const ours = new OurPeer({ role: each.ourRole, ...ourOptions })
  ends.ours = ours
  if (each.ourRole === "client") {
    const theirs = new ProgramPeer(command, { role: "server", ...theirOptions })
    ends.theirs = theirs
    const port = await within("it listens", theirs.listening)
    await ours.connect(await portBefore(ends, port, each))
  } else {
    const port = await portBefore(ends, await ours.listen(), each)
    ends.theirs = new ProgramPeer(command, { role: "client", port, ...theirOptions })
  }
  const refuses = each.wrongFingerprint === true ? "fingerprint" : each.refuses
  if (refuses !== undefined) return refused(ours, ends.theirs, refuses)
  const [we, they] = await Promise.all([
    within("we connect", ours.connected),
    within("it connects", ends.theirs.connected),
  ])
  compare(each, we, they, createHash("sha256").update(ourCertificate.der).digest("hex"))
  await talk(ours, each)
  // What says so may be lost.
  if (each.loses === true) return
  await ours.close()
  await within("it hears that we closed", ends.theirs.closed)
}

/** Where the client finds the server. */
async function portBefore(ends: Ends, port: number, each: DtlsCase): Promise<number> {
  if (each.loses !== true) return port
  ends.path = await LossyPath.open(port)
  return ends.path.port
}

async function listened(ours: OurListener, theirs: ProgramPeer, each: DtlsCase): Promise<void> {
  const path = await within("we connect", ours.connected)
  const they = await within("it connects", theirs.connected)
  const { version, group } = ours.negotiated!
  if (version !== each.version || group !== each.group) throw new Error(`we agreed on ${version}, ${group}`)
  if (they.version !== each.version) throw new Error(`it agreed on ${they.version}`)
  const again = setInterval(() => ours.say(path, "message 1\n"), 100)
  try {
    const heard = await within("an answer", ours.heard)
    if (heard !== "echo: message 1\n") throw new Error(`it answers "${heard}"`)
  } finally {
    clearInterval(again)
  }
}

/** We know why, and neither of us takes it for a connection. */
async function refused(ours: OurPeer, theirs: ProgramPeer, what: string): Promise<void> {
  await within(`we refuse its ${what}`, ours.refused(what))
  // A client of 1.3 is done before its certificate is looked at.
  if (what !== "fingerprint")
    await within(
      "it gives up",
      theirs.connected.then(failOnSuccess, () => {}),
    )
  if (ours.hasConnected) throw new Error("we are connected all the same")
}

function failOnSuccess(): never {
  throw new Error("it says that it is connected")
}

function compare(each: DtlsCase, we: Agreed, they: Agreed, ourFingerprint: string): void {
  const same = (name: string, found: unknown, expected: unknown) => {
    if (found !== expected) throw new Error(`${name} is "${String(found)}", not "${String(expected)}"`)
  }
  const agreed = each.isOpen === true ? we : each
  same("our version", we.version, each.version)
  same("its version", they.version, each.version)
  same("our group", we.group, agreed.group)
  if (they.group !== undefined) same("its group", they.group.toLowerCase(), agreed.group!.toLowerCase())
  if (they.cipherSuite !== undefined) same("its cipher suite", they.cipherSuite, we.cipherSuite)
  same("our profile", we.srtp, agreed.srtp)
  same("its profile", they.srtp, agreed.srtp)
  if (we.srtp === "") throw new Error("there is no SRTP profile")
  same("its exporter", they.exporter, we.exporter)
  same("our certificate as it sees it", they.fingerprint, ourFingerprint)
  if (each.connectionIds !== undefined && they.connectionIds !== undefined) {
    const lengths = [each.connectionIds.ours.length / 2, each.connectionIds.theirs.length / 2]
    same("the lengths of IDs", they.connectionIds.join(), lengths.join())
  }
}

async function talk(ours: OurPeer, each: DtlsCase): Promise<void> {
  const longest = each.mtu === undefined ? 500 : 100
  for (const [i, length] of [1, longest, 50].entries()) {
    await within(`an answer to message ${i}`, answerTo(ours, `message ${i} ${"x".repeat(length)}\n`))
    if (each.update === "ours") ours.updateKeys()
  }
}

/** On a path that loses some, one of them gets through. */
async function answerTo(ours: OurPeer, text: string): Promise<void> {
  ours.say(text)
  const again = setInterval(() => ours.say(text), 200)
  try {
    await ours.hear(`echo: ${text}`)
  } finally {
    clearInterval(again)
  }
}

async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${PATIENCE} ms`)), PATIENCE)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
