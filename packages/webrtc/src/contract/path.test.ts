import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { type Address, formatAddress, parseIp } from "../bytes/index.ts"
import { NO_PATH, type Path, PathTable } from "./path.ts"

const address = (n: number, port = 1000): Address => ({ ip: Uint8Array.of(10, n >> 16, n >> 8, n), port })

describe("PathTable", () => {
  test("gives one number to one socket and address, and tells both back", () => {
    const paths = new PathTable(8)
    const remote = { ip: parseIp("2001:db8::7")!, port: 65_535 }
    const path = paths.open(3, remote)
    assert.equal(paths.open(3, remote), path)
    assert.notEqual(paths.open(4, remote), path)
    assert.notEqual(paths.open(3, { ...remote, port: 1 }), path)
    assert.equal(paths.socket(path), 3)
    assert.equal(formatAddress(paths.remote(path)), "[2001:db8::7]:65535")
    assert.equal(paths.remote(path), paths.remote(path))
  })

  test("knows each of many that it was told of, however it grew meanwhile", () => {
    const table = new PathTable(5000, 7)
    const remotes = Array.from({ length: 5000 }, (_, i) => ({ ip: Uint8Array.of(10, 0, i >> 8, i), port: i }))
    const paths = remotes.map(remote => table.open(1, remote))
    assert.equal(new Set(paths).size, remotes.length)
    assert.deepEqual(
      remotes.map(remote => table.open(1, remote)),
      paths,
    )
  })

  test("an IPv4 address and the IPv6 address with the same leading bytes are two", () => {
    const paths = new PathTable(8)
    const v6 = new Uint8Array(16)
    v6.set([10, 0, 0, 1])
    assert.notEqual(
      paths.open(0, { ip: v6, port: 1 }),
      paths.open(0, { ip: Uint8Array.of(10, 0, 0, 1), port: 1 }),
    )
  })

  test("recycles what nobody holds, the longest unused first, and never what somebody holds", () => {
    const paths = new PathTable(4)
    const [a, b, c, d] = [1, 2, 3, 4].map(n => paths.open(0, address(n))) as [Path, Path, Path, Path]
    paths.hold(b)
    paths.open(0, address(1))
    assert.equal(paths.open(0, address(5)), c, "a was used since, b is held")
    assert.equal(paths.open(0, address(6)), d)
    assert.equal(paths.open(0, address(7)), a)
    assert.equal(formatAddress(paths.remote(b)), "10.0.0.2:1000")
    assert.equal(formatAddress(paths.remote(a)), "10.0.0.7:1000")
  })

  test("has no path for a newcomer while every entry is held", () => {
    const paths = new PathTable(2)
    const held = [1, 2].map(n => paths.open(0, address(n)))
    for (const path of held) paths.hold(path)
    assert.equal(paths.open(0, address(3)), NO_PATH)
    paths.release(held[0]!)
    assert.equal(paths.open(0, address(3)), held[0])
  })

  test("where an address falls depends on the seed, and nothing else does", () => {
    const [one, other] = [new PathTable(1024, 1), new PathTable(1024, 0xdeadbeef)]
    for (let n = 0; n < 500; n++) assert.equal(one.open(0, address(n)), other.open(0, address(n)))
    assert.equal(formatAddress(other.remote(7)), formatAddress(one.remote(7)))
  })

  test("a release without its hold is the programmer's mistake", () => {
    const paths = new PathTable(2)
    assert.throws(() => paths.release(paths.open(0, address(1))), /release\(0\): this path is not held/)
  })

  test("behaves as a plain map would, whatever the order of calls", () => {
    const command = fc.record({
      do: fc.constantFrom("open", "hold", "release"),
      n: fc.nat(40),
      socket: fc.nat(1),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300 }), commands => {
        const paths = new PathTable(16)
        const held = new Map<string, { path: Path; count: number }>()
        for (const { do: what, n, socket } of commands) {
          const key = `${socket}/${n}`
          const known = held.get(key)
          if (what === "open" || (what === "hold" && known === undefined)) {
            const path = paths.open(socket, address(n))
            if (path === NO_PATH) {
              assert.equal(held.size, 16)
              continue
            }
            if (known !== undefined) assert.equal(path, known.path)
            assert.equal(paths.socket(path), socket)
            assert.equal(formatAddress(paths.remote(path)), formatAddress(address(n)))
            if (what === "hold") {
              paths.hold(path)
              held.set(key, { path, count: 1 })
            }
          } else if (what === "hold") {
            paths.hold(known!.path)
            known!.count++
          } else if (known !== undefined) {
            paths.release(known.path)
            if (--known.count === 0) held.delete(key)
          }
        }
        for (const [key, { path }] of held) {
          const [socket, n] = key.split("/").map(Number) as [number, number]
          assert.equal(paths.open(socket, address(n)), path)
        }
      }),
      { numRuns: 300 },
    )
  })
})
