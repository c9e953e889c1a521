/**
 * Which way the arrows go. A folder may import what its row names, its own files, and nothing else.
 * Make it stricter when you can; never looser to get something through.
 */
interface Row {
  /** A folder below `packages/`. The longest match wins. */
  readonly folder: string
  /** Folders below `packages/` that it may import, through their `index.ts` (or package export). */
  readonly from: readonly string[]
  /** Packages of others, and `node:` modules; `node:*` for any of them. */
  readonly external?: readonly string[]
  /** Pure folders: no clock, timer, socket or random source by any name. */
  readonly pure?: true
}

const protocol = ["webrtc/src/bytes", "webrtc/src/contract", "webrtc/src/crypto"]

export const rows: readonly Row[] = [
  { folder: "webrtc/src/bytes", from: [], pure: true },
  { folder: "webrtc/src/contract", from: ["webrtc/src/bytes"], pure: true },
  {
    folder: "webrtc/src/crypto",
    from: ["webrtc/src/bytes", "webrtc/src/native"],
    external: ["node:crypto"],
  },
  { folder: "webrtc/src/stun", from: protocol, pure: true },
  { folder: "webrtc/src/turn", from: [...protocol, "webrtc/src/stun"], pure: true },
  {
    folder: "webrtc/src/ice",
    from: [...protocol, "webrtc/src/stun", "webrtc/src/turn"],
    pure: true,
  },
  { folder: "webrtc/src/dtls", from: protocol, pure: true },
  { folder: "webrtc/src/srtp", from: protocol, pure: true },
  {
    folder: "webrtc/src/peer",
    from: [...protocol, "webrtc/src/ice", "webrtc/src/dtls", "webrtc/src/srtp", "webrtc/src/sdp"],
    pure: true,
  },
  { folder: "webrtc/src/sdp", from: ["webrtc/src/bytes"], pure: true },
  {
    folder: "webrtc/src/native",
    from: ["webrtc/src/bytes"],
    external: ["node:module", "node:os", "node:util", "koffi"],
  },
  {
    folder: "webrtc/src/net",
    from: ["webrtc/src/bytes", "webrtc/src/contract", "webrtc/src/native"],
    external: ["node:crypto", "node:dgram", "node:net", "node:tls", "node:os", "node:dns", "node:perf_hooks"],
  },
  // Beside `net`, not in it: no server may look up what strangers name.
  { folder: "webrtc/src/mdns", from: ["webrtc/src/bytes"], external: ["multicast-dns"] },
  {
    folder: "sim/src",
    from: ["webrtc/src/bytes", "webrtc/src/contract", "webrtc/src/crypto"],
    pure: true,
  },
  {
    folder: "lab/src",
    from: [
      "sim/src",
      "webrtc/src/bytes",
      "webrtc/src/contract",
      "webrtc/src/crypto",
      "webrtc/src/stun",
      "webrtc/src/turn",
      "webrtc/src/ice",
      "webrtc/src/dtls",
      "webrtc/src/peer",
      "webrtc/src/sdp",
    ],
    pure: true,
  },
  { folder: "client/src", from: [] },
  { folder: "react/src", from: ["client/src"], external: ["react"] },
  {
    folder: "server/src",
    from: [
      "webrtc/src/bytes",
      "webrtc/src/contract",
      "webrtc/src/crypto",
      "webrtc/src/stun",
      "webrtc/src/turn",
      "webrtc/src/dtls",
      "webrtc/src/net",
      "client/src",
    ],
    external: ["node:*", "@prometheus-io/client", "jose", "uqr", "ws", "yaml", "zod"],
  },
  { folder: "server/src/limits", from: ["webrtc/src/bytes"], pure: true },
  { folder: "web/src", from: ["client/src"], external: ["client-zip", "preact", "@preact/signals"] },
]

/** What tests may import besides: they are the scenarios, so any machine and any driver. */
export const testsMayImport: readonly string[] = [
  "node:*",
  "fast-check",
  "esbuild",
  "playwright-core",
  "ws",
  "jose",
  "yaml",
]
export const testsMayImportFolders: readonly string[] = [
  "sim/src",
  "webrtc/src/crypto",
  "webrtc/src/net",
  "client/src",
]

/** Never in a pure folder, tests excepted. */
export const impure: RegExp =
  /\b(setTimeout|setInterval|setImmediate|queueMicrotask|Date\.now|new Date\(\)|performance\.now|Math\.random|randomBytes|randomFillSync|getRandomValues|process\.)/
