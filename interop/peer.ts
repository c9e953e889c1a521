import { existsSync } from "node:fs"
import type { Page } from "puppeteer-core"
import type { CertificateOptions, DtlsOptions, DtlsVersion } from "../packages/webrtc/src/dtls/index.ts"
import type { OwnSetup } from "../packages/webrtc/src/peer/index.ts"
import type { Check, Found } from "./check.ts"
import { type BrowserName, type BrowserSettings, executableOf, openBrowser } from "./ice/browser.ts"
import { OurPeer } from "./peer/our-peer.ts"
import { OurPeers } from "./peer/our-peers.ts"
import { PagePeer } from "./peer/page-peer.ts"

/** How long any step may take, ms. */
const PATIENCE = 15_000

/** A browser as it comes, or told what to speak. */
interface Subject {
  readonly name: BrowserName
  readonly how: string
  readonly settings?: BrowserSettings
  /** What we speak with it. */
  readonly dtls: Pick<DtlsOptions, "versions" | "groups">
  /** Default: ECDSA. */
  readonly certificate?: CertificateOptions
  /** What must come of it; without, whatever both have. */
  readonly version?: DtlsVersion
  readonly group?: string
}

/** Firefox's versions by their numbers on the wire. */
const FIREFOX_12 = { "media.peerconnection.dtls.version.max": 771 }
/** Chromium's field trials. */
const CHROMIUM_13 = { args: ["--force-fieldtrials=WebRTC-ForceDtls13/Enabled/"] }
const CHROMIUM_HYBRID = {
  args: ["--force-fieldtrials=WebRTC-ForceDtls13/Enabled/WebRTC-EnableDtlsPqc/Enabled/"],
}

const AS_IT_COMES = "as it comes"

/** Connections of one page to one socket of ours. */
const MANY = 8

const SUBJECTS: readonly Subject[] = [
  { name: "chrome", how: AS_IT_COMES, dtls: {} },
  { name: "chrome", how: "we speak 1.2 alone", dtls: { versions: ["1.2"] }, version: "1.2" },
  { name: "chrome", how: "it speaks 1.3", settings: CHROMIUM_13, dtls: {}, version: "1.3" },
  {
    name: "chrome",
    how: "it speaks X25519MLKEM768",
    settings: CHROMIUM_HYBRID,
    dtls: {},
    version: "1.3",
    group: "X25519MLKEM768",
  },
  { name: "chrome", how: "our certificate is RSA", dtls: {}, certificate: { type: "rsa-2048" } },
  {
    name: "chrome",
    how: "our certificate is RSA, we speak 1.2 alone",
    dtls: { versions: ["1.2"] },
    certificate: { type: "rsa-2048" },
    version: "1.2",
  },
  { name: "firefox", how: AS_IT_COMES, dtls: {} },
  { name: "firefox", how: "we speak 1.2 alone", dtls: { versions: ["1.2"] }, version: "1.2" },
  { name: "firefox", how: "it speaks 1.2 alone", settings: { prefs: FIREFOX_12 }, dtls: {}, version: "1.2" },
  { name: "firefox", how: "we speak 1.3 alone", dtls: { versions: ["1.3"] }, version: "1.3" },
  { name: "firefox", how: "we speak P-256 alone", dtls: { groups: ["secp256r1"] }, group: "secp256r1" },
  { name: "firefox", how: "our certificate is RSA", dtls: {}, certificate: { type: "rsa-2048" } },
  {
    name: "firefox",
    how: "our certificate is RSA, we speak 1.2 alone",
    dtls: { versions: ["1.2"] },
    certificate: { type: "rsa-2048" },
    version: "1.2",
  },
]

interface Case {
  readonly what: string
  readonly weOffer: boolean
  /** What we are. */
  readonly setup: OwnSetup
}

const CASES: readonly Case[] = [
  // Whoever answers a browser's offer chooses; a browser that answers is active (RFC 8842 §5.3).
  { what: "we offer, it is active", weOffer: true, setup: "passive" },
  { what: "it offers, we are active", weOffer: false, setup: "active" },
  { what: "it offers, we are passive", weOffer: false, setup: "passive" },
]

/** Our peer with those of browsers: ICE, and the DTLS handshake in either role. */
export async function peer(): Promise<Found> {
  const checks: Check[] = []
  const notTried: string[] = []
  for (const subject of SUBJECTS) {
    const path = executableOf(subject.name)
    if (!existsSync(path)) {
      notTried.push(`${subject.name}, ${subject.how}: ${path} is not there`)
      continue
    }
    const browser = await openBrowser(subject.name, false, subject.settings)
    try {
      for (const each of CASES) {
        await browser.page.reload()
        checks.push(await tryOne(browser.page, browser.version, subject, each))
      }
      if (subject.how === AS_IT_COMES) {
        await browser.page.reload()
        checks.push(await tryMany(browser.page, browser.version))
      }
    } finally {
      await browser.close()
    }
  }
  return { checks, notTried }
}

async function tryOne(page: Page, browser: string, subject: Subject, each: Case): Promise<Check> {
  const ours = new OurPeer(
    each.weOffer ? "controlling" : "controlled",
    each.setup,
    subject.dtls,
    subject.certificate,
  )
  const theirs = new PagePeer(page)
  const row = { suite: "peer", peer: browser, case: subject.how }
  try {
    await introduce(ours, theirs, each.weOffer)
    await Promise.all([within("we connect", ours.connected), within("it connects", theirs.connect())])
    await within("what it says arrives", ours.greeted)
    const { version, group, cipherSuite } = ours.peer.dtls!
    if (subject.version !== undefined && version !== subject.version)
      throw new Error(`DTLS ${version}, not ${subject.version}`)
    if (subject.group !== undefined && group !== subject.group)
      throw new Error(`${group}, not ${subject.group}`)
    await theirs.close()
    await within("it says goodbye", ours.closed)
    return { ...row, what: `${each.what} (${version}, ${group}, ${cipherSuite})`, passed: true }
  } catch (error) {
    return {
      ...row,
      what: each.what,
      passed: false,
      why: error instanceof Error ? error.message : String(error),
    }
  } finally {
    await ours.close()
    await theirs.close()
  }
}

async function tryMany(page: Page, browser: string): Promise<Check> {
  const ours = new OurPeers()
  const theirs = Array.from({ length: MANY }, (_, i) => new PagePeer(page, `connection ${i}`))
  const row = {
    suite: "peer",
    peer: browser,
    case: AS_IT_COMES,
    what: `${MANY} on one socket, we are ICE-lite`,
  }
  try {
    for (const each of theirs) await each.accept(await ours.answer(await each.describe()))
    await within("all connect", Promise.all(theirs.map(each => each.connect())))
    await within("what they say arrives", ours.heard(MANY))
    return { ...row, passed: true }
  } catch (error) {
    return { ...row, passed: false, why: error instanceof Error ? error.message : String(error) }
  } finally {
    for (const each of theirs) await each.close()
    await ours.close()
  }
}

async function introduce(ours: OurPeer, theirs: PagePeer, weOffer: boolean): Promise<void> {
  if (weOffer) {
    const offer = await within("we gather", ours.describe())
    ours.accept(await within("it answers", theirs.describe(offer)))
    return
  }
  ours.accept(await within("it offers", theirs.describe()))
  await theirs.accept(await within("we gather", ours.describe()))
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
