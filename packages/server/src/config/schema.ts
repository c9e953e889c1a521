import { isIP } from "node:net"
import { DEFAULT_REALM, parsePeerRange } from "@tightbeam/webrtc/turn"
import { z } from "zod"
import { parseAddress } from "../listening-address.ts"
import type { Config } from "./config.ts"

/** What is legal for each key, for people: `must be <legal>`. */
export const legal: z.core.$ZodRegistry<{ legal: string }> = z.registry<{ legal: string }>()

/** Keys whose values are never shown. */
export const SECRET_KEYS: ReadonlySet<string> = new Set(["access.secret"])

/** Fewer characters than this can be guessed by whoever has one token. */
export const SHORTEST_SECRET = 32

const ip = z.string().refine(text => isIP(text) !== 0)
const cidr = z.string().refine(isPeerRange)
const origin = z.string().refine(isOrigin)
/** Addresses and ports of one server: one of each family at most. */
const addresses = z
  .array(z.string().refine(text => parseAddress(text) !== undefined))
  .refine(list => new Set(list.map(text => parseAddress(text)?.ip.length)).size === list.length)
const path = z.string().min(1)
const port = z.int().min(0).max(65_535)

const PORT = "a port, 0–65535 (0 takes any free one)"
const RELAY_PORT = "a port, 1024–65535"
const IP = "an IP address"
const PATH = "the path of a file"

function key<T extends z.ZodType>(schema: T, legally: string, description: string): T {
  const described = schema.describe(description)
  legal.add(described, { legal: legally })
  return described
}

function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
  byDefault: T[number],
  description: string,
): z.ZodDefault<z.ZodEnum<z.core.util.ToEnum<T[number]>>> {
  const schema = z.enum(values).default(byDefault as never)
  return key(schema, `one of ${values.join(", ")}`, description)
}

function whole(
  min: number,
  max: number,
  byDefault: number,
  unit: string,
  description: string,
): z.ZodDefault<z.ZodInt> {
  return key(
    z.int().min(min).max(max).default(byDefault),
    `a whole number of ${unit}, ${min}–${max}`,
    description,
  )
}

/** 10 Gbit/s. */
const MAX_BYTES_PER_SECOND = 1_250_000_000

/** A limit of each client address. */
function perAddress(
  max: number,
  byDefault: number,
  unit: string,
  description: string,
): z.ZodDefault<z.ZodInt> {
  return whole(1, max, byDefault, unit, `Of one address (IPv6: of one /64). ${description}`)
}

/** Where clients go that come while the process drains. */
function elsewhere(over: string): z.ZodDefault<typeof addresses> {
  return key(
    addresses.default([]),
    "a list of at most one IPv4 and one IPv6 address with port, like 192.0.2.1:3478 and [2001:db8::1]:3478",
    `The TURN server that clients ${over} are sent to while this one drains. Default: they are served until it ends.`,
  )
}

function flag(byDefault: boolean, description: string): z.ZodDefault<z.ZodBoolean> {
  return key(z.boolean().default(byDefault), "true or false", description)
}

const schema = z.strictObject({
  http: z
    .strictObject({
      address: key(ip.default("0.0.0.0"), IP, "Where the pages and the signaling are served."),
      port: key(
        port.default(8443),
        PORT,
        "TCP port of HTTP, HTTPS, WebSocket, and TURN over TCP and TLS, all on this one.",
      ),
      origins: key(
        z.array(origin).default([]),
        "a list of origins like https://app.example",
        "Origins of other pages that may connect, besides the server's own.",
      ),
      trustProxy: flag(
        false,
        "Take the client's address from the last entry of X-Forwarded-For. Only behind a proxy that sets it.",
      ),
    })
    .prefault({}),
  tls: z
    .strictObject({
      mode: oneOf(
        ["auto", "files", "off"],
        "auto",
        "auto: a self-signed certificate, made and kept in the data folder. files: your own. off: plain HTTP only.",
      ),
      cert: key(
        path.optional(),
        PATH,
        "PEM file of the certificate and its chain, for mode files. Read again on SIGHUP.",
      ),
      key: key(path.optional(), PATH, "PEM file of the private key, for mode files. Read again on SIGHUP."),
    })
    .prefault({}),
  turn: z
    .strictObject({
      enabled: flag(true, "Whether STUN and TURN are served."),
      address: key(ip.default("0.0.0.0"), IP, "Where STUN and TURN listen."),
      port: key(port.default(3478), PORT, "UDP port of STUN and TURN."),
      announce: key(
        ip.optional(),
        IP,
        "The address that clients reach this machine by. Default: its IPv4 address on the local network.",
      ),
      announceV6: key(
        z
          .string()
          .refine(text => isIP(text) === 6)
          .optional(),
        "an IPv6 address",
        "The IPv6 address that is relayed from beside turn.announce, for clients that ask for one. Default: a global one of this machine, unless turn.address is narrowed or turn.announce is IPv6 itself.",
      ),
      second: z
        .strictObject({
          address: key(
            ip.optional(),
            IP,
            "A second address of this machine, by which clients find out how their NAT behaves (RFC 5780). STUN and TURN then listen on both addresses and both ports. Default: clients are not offered that.",
          ),
          port: key(port.default(3479), PORT, "The second UDP port, where there is a second address."),
          announce: key(
            ip.optional(),
            IP,
            "The address that clients reach turn.second.address by. Default: turn.second.address.",
          ),
        })
        .prefault({}),
      offerTls: oneOf(
        ["auto", "always", "never"],
        "auto",
        "Whether clients are told of TURN over TLS. auto: with a certificate of yours (tls.mode files) that another signed: browsers accept no self-signed one here.",
      ),
      tlsHost: key(
        z
          .string()
          .refine(text => isIP(text) !== 0 || isHostName(text))
          .optional(),
        "a host name or an IP address",
        "The host that clients are told for TURN over TLS; the certificate must have it. Default: its first DNS name.",
      ),
      workers: whole(
        0,
        64,
        1,
        "threads",
        "Threads that relay for clients over UDP. More than one share the port: for machines with cores to spare. 0: none of its own. Only Linux has them, and not with native: off.",
      ),
      realm: key(
        z
          .string()
          .regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,63}$/)
          .default(DEFAULT_REALM),
        "1–63 printable ASCII characters, without quotes and backslashes",
        "The realm of TURN's long-term credentials.",
      ),
      relayPorts: z
        .strictObject({
          min: key(
            z.int().min(1024).max(65_535).default(49_152),
            RELAY_PORT,
            "First UDP port to relay from.",
          ),
          max: key(z.int().min(1024).max(65_535).default(65_535), RELAY_PORT, "Last UDP port to relay from."),
        })
        .prefault({}),
      allowPeers: key(
        z.array(cidr).default([]),
        "a list of addresses and ranges like 10.1.0.0/16",
        "Private and other special ranges that may be relayed to. Public addresses always may, these never by default.",
      ),
      channelNumbers: oneOf(
        ["rfc8656", "rfc5766"],
        "rfc8656",
        "Channels that clients may bind. rfc8656: 0x4000–0x4FFF. rfc5766: to 0x7FFF, for clients from before 2020.",
      ),
      mobility: flag(
        false,
        "Whether clients may take an allocation along when their address changes (RFC 8016).",
      ),
      tcpPeers: flag(
        false,
        "Whether clients over TCP and TLS may be relayed to peers over TCP (RFC 6062), from TCP ports of turn.relayPorts. No browser asks for that.",
      ),
      dtls: flag(
        false,
        "Whether clients may also come over DTLS (RFC 7350), to the same UDP port. No browser does. It shows the certificate of tls as it was at the start.",
      ),
      credentialTtl: whole(
        60,
        86_400,
        3_600,
        "seconds",
        "How long TURN credentials can be used to allocate.",
      ),
      relayedVideoBitrate: whole(
        0,
        1_000_000_000,
        0,
        "bits per second",
        "What the video that one participant sends through the relay may take in all: the pages send smaller pictures then, and sound as ever. 0: no limit.",
      ),
      quotas: z
        .strictObject({
          allocations: whole(1, 64_512, 10_000, "allocations", "Allocations at one time, of everybody."),
          allocationsPerUser: whole(
            1,
            1_000,
            150,
            "allocations",
            "Allocations at one time, of one participant.",
          ),
          allocationsPerRoom: whole(
            1,
            64_512,
            2_500,
            "allocations",
            "Allocations at one time, of everybody in one room.",
          ),
          allocationBytesPerSecond: whole(
            0,
            MAX_BYTES_PER_SECOND,
            0,
            "bytes",
            "Media that one allocation relays in a second, both ways together; more is dropped. 0: no limit.",
          ),
          relayedBytesPerSecond: whole(
            0,
            MAX_BYTES_PER_SECOND,
            0,
            "bytes",
            "The same, of all allocations together. 0: no limit.",
          ),
          strangersBytesPerSecond: perAddress(
            MAX_BYTES_PER_SECOND,
            16_384,
            "bytes",
            "What it is sent over UDP in a second without having proved who it is; more gets no answer.",
          ),
          strangersBurst: perAddress(MAX_BYTES_PER_SECOND, 262_144, "bytes", "The same, at once."),
        })
        .prefault({}),
      drainTo: z
        .strictObject({
          udp: elsewhere("over UDP"),
          tcp: elsewhere("over TCP"),
          tls: elsewhere("over TLS"),
          tlsHost: key(
            z.string().refine(isHostName).optional(),
            "a host name",
            "The name in the certificate of that server, where it is another than here. Clients that cannot be told it stay.",
          ),
        })
        .prefault({}),
      streams: z
        .strictObject({
          idle: whole(
            1,
            600,
            30,
            "seconds",
            "How long a connection of TURN over TCP or TLS may go without an allocation or a whole message.",
          ),
          strangersFrame: whole(
            128,
            65_535,
            4_096,
            "bytes",
            "The longest message of such a connection before it has an allocation.",
          ),
          queue: whole(
            65_536,
            1_073_741_824,
            1_048_576,
            "bytes",
            "What may wait to be sent on one such connection; more is dropped.",
          ),
          queueOfAll: whole(
            65_536,
            68_719_476_736,
            67_108_864,
            "bytes",
            "What may wait to be sent on all of them together; more is dropped.",
          ),
          drain: whole(
            1,
            600,
            10,
            "seconds",
            "How long one whose queue was full may take to send it, before it is closed.",
          ),
        })
        .prefault({}),
    })
    .prefault({}),
  access: z
    .strictObject({
      mode: oneOf(
        ["open", "token"],
        "open",
        "open: whoever opens a page may enter any room. token: only who has a token that your own server signed.",
      ),
      secret: key(
        z.string().min(SHORTEST_SECRET).optional(),
        `at least ${SHORTEST_SECRET} characters`,
        "What join tokens are signed with (HS256). Default in mode open: generated, kept in the data folder.",
      ),
      secretFile: key(path.optional(), PATH, "A file that holds the secret instead."),
    })
    .prefault({}),
  rooms: z
    .strictObject({
      maxParticipants: whole(2, 1_000, 50, "participants", "Participants of one room."),
      maxWaiting: whole(1, 1_000, 50, "people", "Who may wait to be let into one locked room."),
      grace: whole(1, 300, 30, "seconds", "How long somebody whose connection broke is waited for."),
    })
    .prefault({}),
  limits: z
    .strictObject({
      connections: whole(1, 1_000_000, 10_000, "connections", "TCP connections at one time, of everybody."),
      connectionsPerAddress: perAddress(
        1_000_000,
        1_000,
        "connections",
        "TCP connections at one time. Behind a trusted proxy they are the proxy's own, and not counted.",
      ),
      connectsPerSecond: perAddress(
        1_000_000,
        100,
        "connections",
        "New TCP connections a second, for long. Behind a trusted proxy not counted either.",
      ),
      connectBurst: perAddress(1_000_000, 2_000, "connections", "New TCP connections at once."),
      silence: whole(
        1,
        600,
        10,
        "seconds",
        "How long a TCP connection may take to say which protocol it is for, and again within TLS.",
      ),
      requestsPerSecond: perAddress(1_000_000, 200, "HTTP requests", "HTTP requests a second, for long."),
      requestBurst: perAddress(1_000_000, 5_000, "HTTP requests", "HTTP requests at once."),
      signalingPerAddress: perAddress(
        1_000_000,
        500,
        "connections",
        "Signaling connections at one time, over WebSocket and HTTP alike.",
      ),
      joinsPerSecond: perAddress(
        1_000_000,
        20,
        "joins",
        "Tries to enter or come back into a room a second, for long.",
      ),
      joinBurst: perAddress(1_000_000, 500, "joins", "Tries to enter or come back into a room at once."),
      messagesPerSecond: perAddress(10_000_000, 2_000, "messages", "Signaling messages a second, for long."),
      messageBurst: perAddress(10_000_000, 20_000, "messages", "Signaling messages at once."),
      messageSize: whole(4_096, 1_048_576, 65_536, "bytes", "One signaling message."),
      clientMessagesPerSecond: whole(
        1,
        1_000_000,
        50,
        "messages",
        "Signaling messages a second of one client, for long.",
      ),
      clientMessageBurst: whole(1, 1_000_000, 300, "messages", "Signaling messages of one client at once."),
      addresses: whole(
        1_000,
        10_000_000,
        100_000,
        "addresses",
        "Addresses that the limits remember; beyond it the one unseen for longest is forgotten.",
      ),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      enabled: flag(
        false,
        "Whether Prometheus metrics and what each room cost the relay are served, on a port of their own.",
      ),
      address: key(
        ip.default("127.0.0.1"),
        IP,
        "Where they are served. Nobody is asked who they are: let only those reach it who may read the names of rooms.",
      ),
      port: key(port.default(9_464), PORT, "TCP port of the metrics, plain HTTP."),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: oneOf(["debug", "info", "warn", "error"], "info", "The least of what is logged, to stderr."),
    })
    .prefault({}),
  data: key(
    path.default("./data"),
    "the path of a folder",
    "Where generated secrets and the certificate are kept.",
  ),
  native: oneOf(
    ["auto", "off"],
    "auto",
    "auto: UDP by the system calls that take many datagrams at once, where they work (Linux). off: never.",
  ),
  drain: whole(0, 3_600, 10, "seconds", "How long calls may go on after SIGTERM or SIGINT."),
})

/** Everything that can be configured. Strict: a key that is not here is an error, never ignored. */
export const configSchema: z.ZodObject = schema

/** Fills in the defaults. Throws where a value is not legal. */
export function parseConfig(settings: object): Config {
  return schema.parse(settings)
}

/** As the relay itself reads it, so that what is legal here starts there. */
function isPeerRange(text: string): boolean {
  try {
    parsePeerRange(text, "turn.allowPeers")
    return true
  } catch {
    return false
  }
}

function isHostName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(text)
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text
}
