import assert from "node:assert/strict"
import { test } from "node:test"
import { formatIp } from "../bytes/index.ts"
import { addressFrom, sendText } from "./ip-text.ts"

const read = (text: string): string | undefined => {
  const address = addressFrom(text, 1)
  return address && formatIp(address.ip)
}

test("addresses are read as the platform writes them", () => {
  assert.equal(read("203.0.113.255"), "203.0.113.255")
  assert.equal(read("0.0.0.0"), "0.0.0.0")
  assert.equal(read("2001:db8::1"), "2001:db8::1")
  assert.equal(read("fe80::1%eth0"), "fe80::1")
})

test("IPv4 in IPv6 has one form: IPv4", () => {
  assert.equal(read("::ffff:192.0.2.1"), "192.0.2.1")
  assert.equal(read("::ffff:c000:201"), "192.0.2.1")
  assert.equal(read("::192.0.2.1"), "::c000:201")
})

test("what is no address is not read", () => {
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1..3.4",
    ".1.2.3",
    "1.2.3.",
    "1.2.3.4 ",
    "localhost",
    "::g",
    "1234.1.1.1",
  ])
    assert.equal(read(text), undefined, text)
})

test("a socket is told addresses in its own family", () => {
  const v4 = Uint8Array.of(192, 0, 2, 1)
  assert.equal(sendText(v4, 4), "192.0.2.1")
  assert.equal(sendText(v4, 6), "::ffff:192.0.2.1")
  assert.equal(sendText(new Uint8Array(16), 4), undefined)
})
