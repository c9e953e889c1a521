import assert from "node:assert/strict"
import { X509Certificate } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { DataFolder } from "../data/index.ts"
import { loadCertificate } from "./certificate.ts"
import { selfSigned } from "./self-signed.ts"

const DAY = 24 * 60 * 60 * 1000
const NOW = new Date("2026-06-01T12:00:00Z")
const root = mkdtempSync(join(tmpdir(), "tightbeam-tls-"))
after(() => rmSync(root, { recursive: true }))
let folders = 0
const folder = (): DataFolder => new DataFolder(join(root, String(folders++)))

const names = { own: ["127.0.0.1", "::1", "192.0.2.7"], told: ["192.0.2.7"] }

test("a self-signed certificate names this machine and is good for 397 days", () => {
  const { cert, key } = loadCertificate({ mode: "auto" }, folder(), names, NOW)!
  const parsed = new X509Certificate(cert)
  assert.ok(parsed.verify(parsed.publicKey))
  assert.match(key, /BEGIN PRIVATE KEY/)
  assert.equal(parsed.checkHost("localhost"), "localhost")
  assert.ok(parsed.checkHost(hostname().toLowerCase()))
  for (const ip of names.own) assert.equal(parsed.checkIP(ip), ip)
  assert.equal(parsed.checkIP("192.0.2.8"), undefined)
  assert.equal(parsed.validToDate.getTime() - parsed.validFromDate.getTime(), 397 * DAY)
  assert.ok(parsed.validFromDate < NOW)
  assert.equal(parsed.ca, false)
  assert.deepEqual(parsed.publicKey.asymmetricKeyDetails, { namedCurve: "prime256v1" })
})

test("it is kept, with mode 0600, until an address that people were told is missing or it runs out", () => {
  const data = folder()
  const first = loadCertificate({ mode: "auto" }, data, names, NOW)
  assert.equal(statSync(join(data.path, "certificate.pem")).mode & 0o777, 0o600)
  const later = new Date(NOW.getTime() + 380 * DAY)
  assert.deepEqual(loadCertificate({ mode: "auto" }, data, names, later), first)
  // A bridge or a temporary address more: nothing that people open.
  const bridge = { ...names, own: [...names.own, "172.17.0.1"] }
  assert.deepEqual(loadCertificate({ mode: "auto" }, data, bridge, NOW), first)

  const moved = { own: ["127.0.0.1", "192.0.2.9"], told: ["192.0.2.9"] }
  const second = loadCertificate({ mode: "auto" }, data, moved, NOW)!
  assert.notEqual(second.cert, first!.cert)
  assert.equal(new X509Certificate(second.cert).checkIP("192.0.2.9"), "192.0.2.9")

  const nearEnd = new Date(NOW.getTime() + 390 * DAY)
  assert.notEqual(loadCertificate({ mode: "auto" }, data, moved, nearEnd)!.cert, second.cert)
})

test("a damaged file is replaced", () => {
  const data = folder()
  data.write("certificate.pem", "nonsense")
  assert.ok(loadCertificate({ mode: "auto" }, data, names, NOW))
  const { cert } = selfSigned(["localhost"], NOW, 1)
  const other = selfSigned(["localhost"], NOW, 1)
  data.write("certificate.pem", cert + other.key)
  assert.notEqual(loadCertificate({ mode: "auto" }, data, names, NOW)!.cert, cert)
})

test("dates from 2050 on are written as they must be", () => {
  const { cert } = selfSigned(["localhost"], new Date("2049-12-31T00:00:00Z"), 397)
  assert.equal(new X509Certificate(cert).validToDate.getUTCFullYear(), 2051)
})

test("own files are read as they are, and what is wrong with them is named", () => {
  const good = selfSigned(["localhost"], NOW, 1)
  const cert = join(root, "cert.pem")
  const key = join(root, "key.pem")
  writeFileSync(cert, good.cert)
  writeFileSync(key, good.key)
  const load = (certPath: string, keyPath: string) => () =>
    loadCertificate({ mode: "files", cert: certPath, key: keyPath }, folder(), names)
  assert.deepEqual(load(cert, key)(), good)
  assert.throws(load(join(root, "none"), key), { message: `tls.cert: ${root}/none: there is no such file` })
  assert.throws(load(root, key), { message: `tls.cert: ${root}: is a folder, not a file` })
  assert.throws(load(key, key), /key\.pem holds no PEM certificate/)
  assert.throws(load(cert, cert), /cert\.pem holds no PEM private key/)
  writeFileSync(key, selfSigned(["localhost"], NOW, 1).key)
  assert.throws(load(cert, key), /key\.pem is not the key of the certificate in .*cert\.pem/)
})

test("mode off has no certificate", () => {
  assert.equal(loadCertificate({ mode: "off" }, folder(), names), undefined)
})

test("a secret is made once, kept with mode 0600, and the same ever after", () => {
  const data = folder()
  const secret = data.secret("x.secret")
  assert.equal(secret.length, 32)
  assert.deepEqual(data.secret("x.secret"), secret)
  assert.notDeepEqual(data.secret("y.secret"), secret)
  assert.equal(statSync(join(data.path, "x.secret")).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(data.path, "x.secret"), "utf8").trim().length, 43)
  writeFileSync(join(data.path, "x.secret"), "short")
  assert.throws(() => data.secret("x.secret"), /x\.secret is damaged: delete it/)
  assert.throws(
    () => new DataFolder(join(data.path, "x.secret", "y")),
    /cannot make .*x\.secret\/y: .*TIGHTBEAM__DATA/,
  )
})
