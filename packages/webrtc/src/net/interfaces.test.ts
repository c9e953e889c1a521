import assert from "node:assert/strict"
import { test } from "node:test"
import { formatIp } from "../bytes/index.ts"
import {
  gatherableIps,
  globalIpv6,
  type Interfaces,
  ownAddresses,
  primaryIpv4,
  watchGatherableIps,
} from "./interfaces.ts"

function v4(address: string, internal = false): NonNullable<Interfaces[string]> {
  return [{ address, internal, family: "IPv4", netmask: "255.255.255.0", mac: "", cidr: null }]
}

test("the address on a physical adapter is preferred to bridges and link-local ones", () => {
  const interfaces = {
    lo: v4("127.0.0.1", true),
    docker0: v4("172.17.0.1"),
    "br-1f2e": v4("172.18.0.1"),
    veth12: v4("169.254.3.4"),
    wlp3s0: v4("192.168.1.20"),
  }
  assert.equal(primaryIpv4(interfaces), "192.168.1.20")
  assert.equal(primaryIpv4({ lo: v4("127.0.0.1", true), docker0: v4("172.17.0.1") }), "172.17.0.1")
  assert.equal(primaryIpv4({ lo: v4("127.0.0.1", true) }), undefined)
})

function v6(address: string, internal = false): NonNullable<Interfaces[string]> {
  return [{ address, internal, family: "IPv6", netmask: "", mac: "", cidr: null, scopeid: 0 }]
}

test("an IPv6 address is global when the Internet routes it: not loopback, link-local or a site's own", () => {
  const local = { lo: v6("::1", true), eth0: [...v6("fe80::1"), ...v6("fd00::2")] }
  assert.equal(globalIpv6(local), undefined)
  assert.equal(globalIpv6({ ...local, eth1: v6("2a01:4f8::7") }), "2a01:4f8::7")
  assert.equal(globalIpv6({ docker0: v6("2a01:4f8:1::1"), eth0: v6("2a01:4f8::7") }), "2a01:4f8::7")
})

test("own addresses include loopback and have no zones", () => {
  const own = ownAddresses({
    lo: v4("127.0.0.1", true),
    eth0: [
      {
        address: "fe80::1%eth0",
        internal: false,
        family: "IPv6",
        netmask: "",
        mac: "",
        cidr: null,
        scopeid: 2,
      },
    ],
  })
  assert.deepEqual(own, ["127.0.0.1", "fe80::1"])
})

test("ICE gathers on every address but loopback's and those that need a zone", () => {
  const interfaces = {
    lo: [...v4("127.0.0.1", true), ...v6("::1", true)],
    eth0: [...v4("192.0.2.2"), ...v6("fd00::2"), ...v6("fe80::1")],
    docker0: v4("172.17.0.1"),
  }
  assert.deepEqual(gatherableIps(interfaces).map(formatIp), ["192.0.2.2", "fd00::2", "172.17.0.1"])
})

test("who watches is told when an address comes or goes, and not while all is as it was", t => {
  t.mock.timers.enable({ apis: ["setInterval"] })
  let interfaces: Interfaces = { wlan0: v4("192.168.1.20") }
  const told: string[][] = []
  const stop = watchGatherableIps(ips => told.push(ips.map(formatIp)), { read: () => interfaces })
  t.mock.timers.tick(10_000)
  assert.deepEqual(told, [])
  interfaces = { wwan0: v4("10.20.30.40") }
  t.mock.timers.tick(10_000)
  assert.deepEqual(told, [["10.20.30.40"]])
  stop()
  interfaces = {}
  t.mock.timers.tick(10_000)
  assert.equal(told.length, 1)
})
