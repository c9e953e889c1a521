import assert from "node:assert/strict"
import { isIP } from "node:net"
import { describe, test } from "node:test"
import fc from "fast-check"
import { addressGroup, equalAddress, formatAddress, formatIp, isIpv4Mapped, parseIp } from "./ip.ts"

describe("parseIp", () => {
  const cases: [text: string, hex: string | undefined][] = [
    ["203.0.113.1", "cb007101"],
    ["0.0.0.0", "00000000"],
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["::ffff:127.0.0.1", "00000000000000000000ffff7f000001"],
    ["64:ff9b::10.0.0.1", "0064ff9b00000000000000000a000001"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["010.0.0.1", undefined],
    ["1.2.3", undefined],
    ["1.2.3.256", undefined],
    ["1.2.3.4.5", undefined],
    ["", undefined],
    [":", undefined],
    [":::", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1:2:3:4:5:6:7", undefined],
    ["1:2:3:4:5:6:7:8::", undefined],
    ["12345::", undefined],
    ["::1.2.3.4:5", undefined],
    ["fe80::1%eth0", undefined],
    ["::g", undefined],
  ]
  for (const [text, hex] of cases)
    test(`${JSON.stringify(text)} is ${hex ?? "refused"}`, () => {
      const ip = parseIp(text)
      assert.equal(ip && Buffer.from(ip).toString("hex"), hex)
    })

  test("reads back what formatIp wrote, whatever the address", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    // Runs of zeros are where the forms of IPv6 differ.
    const sparse = fc
      .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
      .map(bytes => Uint8Array.from(bytes))
    fc.assert(
      fc.property(fc.oneof(bytes, sparse), ip => {
        const text = formatIp(ip)
        assert.equal(isIP(text), ip.length === 4 ? 4 : 6)
        assert.deepEqual(parseIp(text), ip)
      }),
    )
  })

  test("refuses what node:net refuses, and never throws", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f:.]{0,24}$/), text => {
        assert.equal(parseIp(text) !== undefined, isIP(text) !== 0, text)
      }),
      { numRuns: 2000 },
    )
  })
})

test("formatIp writes RFC 5952's canonical form", () => {
  const canonical = [
    "2001:db8::1",
    "2001:0:0:1::1",
    "2001:db8:0:1:1:1:1:1",
    "::",
    "::1",
    "1::",
    "fe80::1:0:0:1",
  ]
  for (const text of canonical) assert.equal(formatIp(parseIp(text)!), text)
})

test("a client is an IPv4 address or an IPv6 /64", () => {
  const groups = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
    ["2001:db8:0:1::", "2001:db8:0:1::/64"],
    ["::1", "::/64"],
  ]
  for (const [text, group] of groups) assert.equal(addressGroup(parseIp(text!)!), group)
})

test("addresses are shown with brackets where they need them, and compare by value", () => {
  const v4 = { ip: parseIp("192.0.2.1")!, port: 80 }
  assert.equal(formatAddress(v4), "192.0.2.1:80")
  assert.equal(formatAddress({ ip: parseIp("::1")!, port: 80 }), "[::1]:80")
  assert.ok(equalAddress(v4, { ip: parseIp("192.0.2.1")!, port: 80 }))
  assert.ok(!equalAddress(v4, { ip: parseIp("::ffff:192.0.2.1")!, port: 80 }))
  assert.ok(isIpv4Mapped(parseIp("::ffff:192.0.2.1")!))
  assert.ok(!isIpv4Mapped(parseIp("::fffe:192.0.2.1")!))
})
