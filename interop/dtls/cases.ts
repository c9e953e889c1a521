import type { AeadAlgorithm, Group } from "../../packages/webrtc/src/crypto/index.ts"
import type { DtlsVersion, SrtpProfile } from "../../packages/webrtc/src/dtls/index.ts"

/** What somebody else's DTLS can do. */
export interface Abilities {
  readonly versions: readonly DtlsVersion[]
  readonly groups: readonly Group[]
  readonly srtp: readonly SrtpProfile[]
  /** The keys of certificates, besides P-256, that it has and takes. */
  readonly keys: readonly ("rsa" | "p384" | "ed25519")[]
  /** More of them, as a client. */
  readonly clientKeys: readonly ("rsa" | "p384" | "ed25519")[]
  /** Of which versions it has connection IDs. */
  readonly connectionIds: readonly DtlsVersion[]
  /** It can make a client prove its address, in these. */
  readonly cookies: readonly DtlsVersion[]
  /** It can say how long a record may be (RFC 8449). */
  readonly recordSizeLimit: boolean
  /** It can be told to replace its keys. */
  readonly update: boolean
  /** Bytes of a datagram that it can be held to, as a client of that version. */
  readonly clientMtu: Readonly<Partial<Record<DtlsVersion, number>>>
  /** As a server it takes the group that it likes best, in whatever order it is told. */
  readonly serverPrefersItsOwn: boolean
  /** It neither takes nor sends a ClientHello in two datagrams before there was a cookie. */
  readonly wholeHellos: boolean
}

/** One handshake, and what must come of it. */
export interface DtlsCase {
  readonly what: string
  /** False: it fails with itself as well. */
  readonly reference?: false
  readonly ourRole: "client" | "server"
  readonly version: DtlsVersion
  readonly group: Group
  readonly aead: AeadAlgorithm
  readonly srtp: SrtpProfile
  readonly ours: Offer
  readonly theirs: Offer
  readonly certificate?: { readonly ours?: "rsa"; readonly theirs?: "rsa" | "p384" | "ed25519" }
  readonly mtu?: { readonly ours: number; readonly theirs: number }
  readonly loses?: boolean
  /** In hex, what each end wants to read. */
  readonly connectionIds?: { readonly ours: string; readonly theirs: string }
  readonly recordSizeLimit?: number
  readonly cookie?: boolean
  /** We are a server for anybody, which keeps nothing before the client has shown its address. */
  readonly listens?: boolean
  readonly update?: "ours" | "theirs"
  /** We were told of another certificate. */
  readonly wrongFingerprint?: boolean
  /** What comes of it is theirs to choose, too: the same at both ends. */
  readonly isOpen?: boolean
  /** We have nothing in common. */
  readonly refuses?: "version" | "group" | "cipher-suite"
}

interface Offer {
  readonly versions: readonly DtlsVersion[]
  readonly groups: readonly Group[]
  /** Where it is not what must come of it alone. */
  readonly aeads?: readonly AeadAlgorithm[]
  readonly srtp?: readonly SrtpProfile[]
}

const NAMES = { rsa: "RSA", p384: "P-384", ed25519: "Ed25519" } as const
export const ALL_PROFILES = [
  "AEAD_AES_128_GCM",
  "AEAD_AES_256_GCM",
  "AES128_CM_HMAC_SHA1_80",
  "AES128_CM_HMAC_SHA1_32",
] as const
const ALL_GROUPS = ["X25519MLKEM768", "x25519", "secp256r1", "secp384r1"] as const
const ALL_AEADS = ["aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"] as const
const AEADS = ["aes-256-gcm", "chacha20-poly1305"] as const
/** Bytes of a datagram; a certificate does not fit into one. */
const SMALL = 300
/** A ClientHello with a post-quantum share fits. Loopback takes that. */
const LARGE = 1500

/** All that is worth trying with somebody of these abilities. */
export function casesOf(abilities: Abilities): readonly DtlsCase[] {
  const roles = ["client", "server"] as const
  return abilities.versions.flatMap(version => roles.flatMap(ourRole => casesIn(version, ourRole, abilities)))
}

function casesIn(version: DtlsVersion, ourRole: DtlsCase["ourRole"], can: Abilities): DtlsCase[] {
  const [srtp, ...otherProfiles] = can.srtp as [SrtpProfile, ...SrtpProfile[]]
  const weAreClient = ourRole === "client"
  const group: Group = "x25519"
  const plain: DtlsCase = {
    what: "",
    ourRole,
    version,
    group,
    aead: "aes-128-gcm",
    srtp,
    ours: { versions: [version], groups: groupsOf(version, group) },
    theirs: { versions: [version], groups: groupsOf(version, group) },
  }
  const cases: DtlsCase[] = []
  const add = (what: string, changed: Partial<DtlsCase>) => cases.push({ ...plain, ...changed, what })
  for (const each of can.groups) {
    // Of 1.3 alone (draft-ietf-tls-ecdhe-mlkem).
    if (each === "X25519MLKEM768" && version === "1.2") continue
    const groups = groupsOf(version, each)
    const isAlone = weAreClient && can.serverPrefersItsOwn
    const theirs = { ...plain.theirs, groups: isAlone ? [each] : groups }
    const isLarge = each === "X25519MLKEM768" && can.wholeHellos
    add(each, {
      group: each,
      ours: { ...plain.ours, groups },
      theirs,
      ...(isLarge && weAreClient && { mtu: { ours: LARGE, theirs: LARGE } }),
      ...(isLarge && !weAreClient && { reference: false as const }),
    })
  }
  // We never ask for short tags.
  const profiles = weAreClient
    ? otherProfiles.filter(each => each !== "AES128_CM_HMAC_SHA1_32")
    : otherProfiles
  for (const each of profiles) add(each, { srtp: each })
  for (const each of AEADS) add(each, { aead: each })
  for (const key of weAreClient ? can.keys : [...can.keys, ...can.clientKeys]) {
    const groups = groupsOf(version, group, key === "p384" ? "secp384r1" : undefined)
    add(`their certificate is ${NAMES[key]}`, {
      certificate: { theirs: key },
      ours: { ...plain.ours, groups },
      theirs: { ...plain.theirs, groups },
    })
  }
  if (can.keys.includes("rsa")) add("our certificate is RSA", { certificate: { ours: "rsa" } })
  if (version === "1.3" && can.groups.includes("secp384r1"))
    add("HelloRetryRequest for a group", {
      group: "secp384r1",
      ours: { ...plain.ours, groups: weAreClient ? ["x25519", "secp256r1", "secp384r1"] : ["secp384r1"] },
      theirs: { ...plain.theirs, groups: weAreClient ? ["secp384r1"] : ["x25519", "secp384r1"] },
    })
  if (can.versions.length > 1 && version === "1.3")
    add("both offer both versions", {
      ours: { ...plain.ours, versions: ["1.3", "1.2"] },
      theirs: { ...plain.theirs, versions: ["1.3", "1.2"] },
    })
  if (version === "1.2") add("we offer both versions", { ours: { ...plain.ours, versions: ["1.3", "1.2"] } })
  if (version === "1.2" && can.versions.includes("1.3"))
    add("they offer both versions", { theirs: { ...plain.theirs, versions: ["1.3", "1.2"] } })
  const theirs = weAreClient ? SMALL : (can.clientMtu[version] ?? SMALL)
  add("small datagrams", { mtu: { ours: SMALL, theirs } })
  add("every third datagram is lost", { loses: true })
  if (can.connectionIds.includes(version)) {
    add("connection IDs", { connectionIds: { ours: "070707", theirs: "01020304" } })
    add("we alone want a connection ID", { connectionIds: { ours: "070707", theirs: "" } })
    add("they alone want a connection ID", { connectionIds: { ours: "", theirs: "01020304" } })
  }
  if (can.recordSizeLimit) add("records of 600 bytes at most", { recordSizeLimit: 600 })
  if (weAreClient && can.cookies.includes(version)) add("a cookie", { cookie: true })
  if (version === "1.3") {
    add("we update keys", { update: "ours" })
    if (can.update) add("they update keys", { update: "theirs" })
  }
  add("a wrong fingerprint is refused", { wrongFingerprint: true })
  if (!weAreClient) {
    add("we want a cookie", { listens: true })
    if (can.groups.includes("X25519MLKEM768") && version === "1.3") {
      const both = { versions: plain.ours.versions, groups: ["X25519MLKEM768"] as const }
      add("we want a cookie, X25519MLKEM768", {
        listens: true,
        group: "X25519MLKEM768",
        ours: both,
        theirs: both,
      })
    }
    add("we want a cookie, every third datagram is lost", { listens: true, loses: true })
  }
  add("all is offered", {
    isOpen: true,
    ours: { versions: ["1.3", "1.2"], groups: ALL_GROUPS, aeads: ALL_AEADS, srtp: ALL_PROFILES },
    theirs: { versions: [version], groups: can.groups, aeads: ALL_AEADS, srtp: can.srtp },
    ...(can.wholeHellos && weAreClient && { mtu: { ours: LARGE, theirs: LARGE } }),
  })
  // A client hears of it as an alert, whose reason it cannot know.
  if (!weAreClient) {
    const versions = [version === "1.3" ? "1.2" : "1.3"] as const
    add("no version in common", { ours: { ...plain.ours, versions }, refuses: "version" })
    const theirs = { ...plain.theirs, groups: ["secp256r1"] as const }
    add("no group in common", { theirs, ours: { ...plain.ours, groups: ["x25519"] }, refuses: "group" })
    const aeads = ["chacha20-poly1305"] as const
    add("no cipher suite in common", { theirs: { ...plain.theirs, aeads }, refuses: "cipher-suite" })
  }
  return cases
}

/** In 1.2 the curves of certificates must be among them as well (RFC 8422 §5.1). */
function groupsOf(version: DtlsVersion, group: Group, certificate?: Group): readonly Group[] {
  const curves = ["secp256r1", ...(certificate === undefined ? [] : [certificate])] as const
  return version === "1.3" ? [group] : [...new Set([group, ...curves])]
}
