import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { nodeCrypto } from "@tightbeam/webrtc/crypto/node"
import fc from "fast-check"
import { PathTable } from "../contract/index.ts"
import { DtlsListener, selfSignedCertificate } from "./index.ts"
import { Pair } from "./testing/pair.ts"

const folder = resolve(import.meta.dirname, "../../../../../shared/vectors/fuzz/dtls-records")

/** The bytes of a Go fuzz corpus file: a quoted string with Go's escapes. */
function bytesOf(text: string): Uint8Array {
  const quoted = /\[\]byte\("(.*)"\)/s.exec(text)?.[1] ?? ""
  const named: Readonly<Record<string, number>> = {
    a: 7,
    b: 8,
    f: 12,
    n: 10,
    r: 13,
    t: 9,
    v: 11,
    "\\": 92,
    '"': 34,
    "'": 39,
  }
  const bytes: number[] = []
  for (const [, hex, name, plain] of quoted.matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\])/gs)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (name !== undefined) bytes.push(named[name] ?? 0)
    else bytes.push(...new TextEncoder().encode(plain))
  }
  return Uint8Array.from(bytes)
}

/** At each end, at each moment, and at a listener: nothing throws, and a handshake goes on. */
function endure(inputs: readonly Uint8Array[]): void {
  const paths = new PathTable(16)
  const slab = new Uint8Array(4096)
  const out = {
    paths,
    bytes: slab,
    view: new DataView(slab.buffer),
    reserve: () => 0,
    commit: () => {},
    forward: () => {},
    ask: () => {},
    tell: () => {},
    note: () => {},
  }
  const certificate = selfSignedCertificate(nodeCrypto)
  const listener = new DtlsListener({ crypto: nodeCrypto, certificate, remote: "anybody", onData: () => {} })
  const path = paths.open(0, { ip: Uint8Array.of(192, 0, 2, 1), port: 1 })
  for (const version of ["1.2", "1.3"] as const) {
    const pair = new Pair({ versions: [version] }, { versions: [version] })
    pair.start()
    for (const [i, bytes] of inputs.entries()) {
      pair.run(i)
      for (const end of [pair.client, pair.server]) end.receive(bytes)
      const copy = Uint8Array.from(bytes)
      listener.receive(
        { bytes: copy, view: new DataView(copy.buffer), offset: 0, length: copy.length, path, ecn: 0 },
        i,
        out,
      )
    }
  }
}

test("records that others' fuzzers found", t => {
  if (!existsSync(folder))
    return t.diagnostic("../shared/vectors is not here: the DTLS fuzz corpus is left out")
  endure(readdirSync(folder).map(name => bytesOf(readFileSync(join(folder, name), "latin1"))))
})

test("any bytes", () => {
  const record = fc
    .tuple(fc.constantFrom(20, 21, 22, 23, 25, 26, 0x2c, 0x2e, 0x3f), fc.uint8Array({ maxLength: 120 }))
    .map(([type, rest]) => Uint8Array.of(type, 0xfe, 0xfd, 0, 0, ...rest))
  fc.assert(
    fc.property(fc.array(fc.oneof(record, fc.uint8Array({ maxLength: 200 })), { maxLength: 20 }), endure),
    { numRuns: 50 },
  )
})
