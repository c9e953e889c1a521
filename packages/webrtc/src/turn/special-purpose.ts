import { type Cidr, parseCidr } from "./cidr.ts"

/**
 * Addresses that are nobody's on the public internet (IANA's special-purpose registries, RFC 6890),
 * multicast, and what once was special: a relay that reached them would be a door into the network it
 * stands in.
 */
const ranges = (texts: readonly string[]): readonly Cidr[] =>
  texts.map(text => parseCidr(text, "special-purpose range"))

export const SPECIAL_PURPOSE_IPV4: readonly Cidr[] = ranges([
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private use
  "100.64.0.0/10", // shared address space: carrier-grade NAT
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link local, and the clouds' metadata services
  "172.16.0.0/12", // private use
  "192.0.0.0/24", // IETF protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relay anycast, deprecated
  "192.168.0.0/16", // private use
  "198.18.0.0/15", // benchmarking
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and limited broadcast
])

/** Beside those that carry an IPv4 address, which are judged by it: see `canonicalIp`. */
export const SPECIAL_PURPOSE_IPV6: readonly Cidr[] = ranges([
  "64:ff9b:1::/48", // local-use IPv4/IPv6 translation
  "100::/64", // discard only
  "2001::/23", // IETF protocol assignments: Teredo, ORCHID, benchmarking …
  "2001:db8::/32", // documentation
  "3fff::/20", // documentation
  "5f00::/16", // segment routing SIDs
  "fc00::/7", // unique local
  "fe80::/10", // link local
  "fec0::/10", // site local, deprecated
  "ff00::/8", // multicast
])

/** IPv6 ranges whose addresses carry an IPv4 address, and at which byte. */
export const IPV4_CARRIERS: readonly { readonly range: Cidr; readonly at: number }[] = [
  { range: parseCidr("::ffff:0:0/96", "IPv4-mapped"), at: 12 }, // RFC 4291 §2.5.5.2
  { range: parseCidr("::/96", "IPv4-compatible"), at: 12 }, // RFC 4291 §2.5.5.1; with :: and ::1
  { range: parseCidr("64:ff9b::/96", "NAT64"), at: 12 }, // RFC 6052 §2.1
  { range: parseCidr("2002::/16", "6to4"), at: 2 }, // RFC 3056 §2
]
