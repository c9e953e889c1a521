import assert from "node:assert/strict"
import { test } from "node:test"
import { ConfigError, configJsonSchema, describeConfig, type Loaded, loadConfig } from "./index.ts"

const SECRET = "0123456789abcdef0123456789abcdef"

interface Given {
  readonly yaml?: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
}

function load({ yaml, env = {}, args = [], files = {} }: Given): Loaded {
  const all: Readonly<Record<string, string>> = {
    ...files,
    ...(yaml !== undefined && { "tightbeam.yaml": yaml }),
  }
  const readFile = (path: string): string => {
    if (all[path] !== undefined) return all[path]
    throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" })
  }
  return loadConfig({
    args,
    environment: env,
    readFile,
    ownFlags: { qr: { takesValue: false }, room: { takesValue: true } },
  })
}

function problems(given: Given): readonly string[] {
  try {
    load(given)
    return ["it was taken"]
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test("without any setting there are only defaults", () => {
  const { config, origins } = load({})
  assert.equal(config.http.port, 8443)
  assert.equal(config.turn.relayPorts.max, 65_535)
  assert.equal(config.access.mode, "open")
  assert.equal(config.data, "./data")
  assert.equal(origins.size, 0)
})

test("flags go over the environment, that over the file, and each is remembered", () => {
  const yaml = "http:\n  port: 1001\n  address: 127.0.0.1\nturn:\n  port: 1002\n"
  const { config, origins } = load({
    yaml,
    env: { TIGHTBEAM__HTTP__PORT: "2001", TIGHTBEAM__TURN__PORT: "2002", OTHER: "x" },
    args: ["--turn.port", "3002"],
  })
  assert.deepEqual([config.http.address, config.http.port, config.turn.port], ["127.0.0.1", 2001, 3002])
  assert.deepEqual(
    [...origins],
    [
      ["http.port", "TIGHTBEAM__HTTP__PORT"],
      ["http.address", "tightbeam.yaml:3"],
      ["turn.port", "--turn.port"],
    ],
  )
})

test("every form of flag is read", () => {
  const { config, own } = load({
    args: [
      "--port=99 --http.trustProxy --turn.enabled false --qr --room blue --turn.relayPorts.min 50000",
      "--http.origins https://a.example,https://b.example --http.origins=https://c.example",
    ].flatMap(line => line.split(" ")),
  })
  assert.equal(config.http.port, 99)
  assert.equal(config.http.trustProxy, true)
  assert.equal(config.turn.enabled, false)
  assert.deepEqual(config.http.origins, ["https://a.example", "https://b.example", "https://c.example"])
  assert.equal(config.turn.relayPorts.min, 50_000)
  assert.deepEqual(
    [...own],
    [
      ["qr", true],
      ["room", "blue"],
    ],
  )
})

test("lists and camel-case keys come from the environment", () => {
  const env = { TIGHTBEAM__TURN__ALLOW_PEERS: "10.0.0.0/8, fd00::/8", TIGHTBEAM__HTTP__TRUST_PROXY: "true" }
  const { config } = load({ env })
  assert.deepEqual(config.turn.allowPeers, ["10.0.0.0/8", "fd00::/8"])
  assert.equal(config.http.trustProxy, true)
})

test("a secret comes from a file without its line end, and is not shown", () => {
  const loaded = load({ args: ["--access.secretFile", "s"], files: { s: `${SECRET}\n` } })
  assert.equal(loaded.config.access.secret, SECRET)
  const shown = describeConfig(loaded)
  assert.doesNotMatch(shown, new RegExp(SECRET))
  assert.match(shown, /access\.secret +\(hidden\) +s\n/)
  assert.match(shown, /http\.port +8443 +default/)
})

const bad: readonly (readonly [what: string, given: Given, expected: readonly string[]])[] = [
  [
    "an unknown key, with its line and what was meant",
    { yaml: "http:\n  prot: 1\n" },
    ["tightbeam.yaml:2: http.prot is not a key. Did you mean http.port?"],
  ],
  ["an unknown section", { yaml: "trun: {}\n" }, ["tightbeam.yaml:1: trun is not a key. Did you mean turn?"]],
  [
    "a key outside its section",
    { yaml: "realm: x\n" },
    ["tightbeam.yaml:1: realm is not a key. Did you mean turn.realm?"],
  ],
  [
    "a key that resembles none",
    { yaml: "log:\n  frobnicate: 1\n" },
    ["tightbeam.yaml:2: log.frobnicate is not a key. Legal here: level."],
  ],
  [
    "a value out of range",
    { yaml: "\nhttp:\n  port: 70000\n" },
    ["tightbeam.yaml:3: http.port is 70000: must be a port, 0–65535 (0 takes any free one)"],
  ],
  [
    "text where a number must be",
    { yaml: "rooms:\n  grace: 15s\n" },
    ['tightbeam.yaml:2: rooms.grace is "15s": must be a whole number of seconds, 1–300'],
  ],
  [
    "nothing where a value must be",
    { yaml: "http:\n  port:\n" },
    ["tightbeam.yaml:2: http.port is null: must be a port, 0–65535 (0 takes any free one)"],
  ],
  [
    "a value where a section must be",
    { yaml: "http: 3\n" },
    ["tightbeam.yaml:1: http must be a section: keys and values"],
  ],
  [
    "a file that is no mapping",
    { yaml: "- 1\n" },
    ["tightbeam.yaml: the file must be a section: keys and values"],
  ],
  ["a key twice", { yaml: "http:\n  port: 1\n  port: 2\n" }, ["tightbeam.yaml:3: Map keys must be unique"]],
  ["a file that is not there", { args: ["--config", "x.yaml"] }, ["x.yaml: there is no such file"]],
  [
    "an unknown variable",
    { env: { TIGHTBEAM__HTTP__PROT: "1" } },
    ["TIGHTBEAM__HTTP__PROT is not a setting. Did you mean TIGHTBEAM__HTTP__PORT?"],
  ],
  [
    "a bad variable",
    { env: { TIGHTBEAM__TURN__ENABLED: "yes" } },
    ['TIGHTBEAM__TURN__ENABLED is "yes": must be true or false'],
  ],
  [
    "an empty number",
    { env: { TIGHTBEAM__DRAIN: "" } },
    ['TIGHTBEAM__DRAIN is "": must be a whole number of seconds, 0–3600'],
  ],
  ["an unknown flag", { args: ["--prot", "1"] }, ["--prot is not a flag. Did you mean --port?"]],
  ["a flag without its value", { args: ["--http.port"] }, ["--http.port needs a value: --http.port VALUE"]],
  [
    "a word on its own",
    { args: ["8443"] },
    ['"8443" is not understood: flags begin with --, as --http.port 8443 does'],
  ],
  [
    "a bad choice",
    { args: ["--tls.mode", "acme"] },
    ['--tls.mode is "acme": must be one of auto, files, off'],
  ],
  [
    "a range that is none: it must never be skipped",
    { args: ["--turn.allowPeers", "10.0.0.0/33"] },
    ['--turn.allowPeers is ["10.0.0.0/33"]: must be a list of addresses and ranges like 10.1.0.0/16'],
  ],
  [
    "a range with bits behind its prefix, and one that could never match",
    { args: ["--turn.allowPeers", "10.0.0.1/8,::ffff:10.0.0.0/104"] },
    [
      '--turn.allowPeers is ["10.0.0.1/8","::ffff:10.0.0.0/104"]: must be a list of addresses and ranges like 10.1.0.0/16',
    ],
  ],
  [
    "an address that nobody can be sent to",
    { args: ["--turn.announce", "224.0.0.1"] },
    ["turn.announce (--turn.announce) is 224.0.0.1: must be an address that clients can reach"],
  ],
  [
    "an announced address of a family that is not listened on",
    { args: ["--turn.announce", "2001:db8::1"] },
    ['turn.announce (--turn.announce) is 2001:db8::1: TURN listens on IPv4 only, set turn.address to "::"'],
  ],
  [
    "a second IPv6 address to relay from, and one that nobody can be reached by",
    { args: ["--turn.address=::", "--turn.announce=2001:db8::1", "--turn.announceV6=2001:db8::2"] },
    [
      "turn.announceV6 (--turn.announceV6) is 2001:db8::2: there is one IPv6 address already, by turn.announce or turn.address",
    ],
  ],
  [
    "an IPv6 address to relay from that nobody can reach",
    { args: ["--turn.announceV6=ff02::1"] },
    ["turn.announceV6 (--turn.announceV6) is ff02::1: must be an address that peers can reach"],
  ],
  [
    "a second address beside all addresses",
    { args: ["--turn.second.address", "192.0.2.2"] },
    [
      "turn.second.address (--turn.second.address) is 192.0.2.2: set turn.address to the first address of this machine, 0.0.0.0 is all of them",
    ],
  ],
  [
    "a second address that is the first one, and the same port",
    {
      args: [
        "--turn.address=192.0.2.1",
        "--turn.second.address=192.0.2.1",
        "--turn.port=3479",
        "--turn.second.announce=2001:db8::1",
      ],
    },
    [
      "turn.second.address (--turn.second.address) is 192.0.2.1: must not be turn.address",
      "turn.second.port (default) is 3479: must not be turn.port",
      "turn.second.announce (--turn.second.announce) is 2001:db8::1: must be an address that clients can reach, of the family of turn.second.address",
    ],
  ],
  [
    "mobility over several threads",
    { args: ["--turn.mobility", "--turn.workers=2"] },
    ["turn.mobility (--turn.mobility) is true: needs turn.workers to be 1 or 0"],
  ],
  [
    "an announced second address without one to listen on",
    { args: ["--turn.second.announce", "192.0.2.2"] },
    ["turn.second.announce (--turn.second.announce) is set: set turn.second.address, or it has no effect"],
  ],
  [
    "an origin with a path",
    { args: ["--http.origins", "https://a.example/"] },
    ['--http.origins is ["https://a.example/"]: must be a list of origins like https://app.example'],
  ],
  [
    "a short secret, without showing it",
    { env: { TIGHTBEAM__ACCESS__SECRET: "hunter2" } },
    ["TIGHTBEAM__ACCESS__SECRET must be at least 32 characters"],
  ],
  [
    "a short secret in a file",
    { args: ["--access.secretFile", "s"], files: { s: "short" } },
    ["s: the secret must be at least 32 characters"],
  ],
  [
    "two secrets",
    { args: ["--access.secret", SECRET, "--access.secretFile", "s"], files: { s: SECRET } },
    ["access.secret (--access.secret) and access.secretFile (--access.secretFile) are both set: keep one"],
  ],
  [
    "tokens without a secret",
    { yaml: "access:\n  mode: token\n" },
    [
      "access.mode (tightbeam.yaml:2) is token: set access.secret or access.secretFile to what your server signs tokens with",
    ],
  ],
  [
    "files without files",
    { args: ["--tls.mode", "files", "--tls.cert", "c"] },
    ["tls.mode (--tls.mode) is files: set tls.key to the path of a PEM file"],
  ],
  [
    "files that would be ignored",
    { args: ["--tls.cert", "c"] },
    ["tls.cert (--tls.cert) is set: set tls.mode to files, or it has no effect"],
  ],
  [
    "an empty range of ports",
    { args: ["--turn.relayPorts.max", "2000"] },
    ["turn.relayPorts.min (default) is 49152: must not be above turn.relayPorts.max, 2000"],
  ],
  [
    "TURN over TLS without TLS",
    { args: ["--turn.offerTls=always", "--tls.mode=off"] },
    ["turn.offerTls (--turn.offerTls) is always: set tls.mode to auto or files, there is no TLS otherwise"],
  ],
  [
    "a name for TURN over TLS that nobody is told",
    { args: ["--turn.tlsHost", "turn.example"] },
    ["turn.tlsHost (--turn.tlsHost) is set: set tls.mode to files, or it has no effect"],
  ],
  [
    "a host that is none",
    { args: ["--turn.tlsHost", "turn.example:443"] },
    ['--turn.tlsHost is "turn.example:443": must be a host name or an IP address'],
  ],
  [
    "an address that nobody can reach",
    { args: ["--turn.announce", "0.0.0.0"] },
    ["turn.announce (--turn.announce) is 0.0.0.0: must be an address that clients can reach"],
  ],
]

for (const [what, given, expected] of bad)
  test(`refused: ${what}`, () => {
    assert.deepEqual(problems(given), expected)
  })

test("all problems of all places are told at once", () => {
  const found = problems({
    yaml: "http:\n  port: x\n  foo: 1\n",
    env: { TIGHTBEAM__LOG__LEVEL: "loud" },
    args: ["--rooms.grace", "0"],
  })
  assert.equal(found.length, 4)
})

test("the JSON Schema is strict and says what each key is for", () => {
  const schema = JSON.parse(configJsonSchema()) as {
    additionalProperties: boolean
    properties: { http: { properties: { port: { default: number; maximum: number; description: string } } } }
  }
  assert.equal(schema.additionalProperties, false)
  const { port } = schema.properties.http.properties
  assert.deepEqual([port.default, port.maximum], [8443, 65_535])
  assert.match(port.description, /TCP port/)
})
