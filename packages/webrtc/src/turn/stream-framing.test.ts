import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { FrameSplitter } from "../net/index.ts"
import { beginsAsStun } from "../stun/index.ts"
import { turnFraming } from "./stream-framing.ts"

function stun(type: number, body: number): Uint8Array {
  const message = Buffer.alloc(20 + body, 0x5a)
  message.writeUInt16BE(type, 0)
  message.writeUInt16BE(body, 2)
  message.writeUInt32BE(0x2112a442, 4)
  return message
}

/** As on a stream: padded. */
function channelData(channel: number, length: number): Uint8Array {
  const message = Buffer.alloc(turnFraming.lengthOnStream(4 + length), 0xa5)
  message.writeUInt16BE(channel, 0)
  message.writeUInt16BE(length, 2)
  return message
}

/** All frames of the chunks, and whether they made sense to the end. */
function split(chunks: readonly Uint8Array[], longest = turnFraming.longest) {
  const splitter = new FrameSplitter(turnFraming)
  const frames: string[] = []
  let makesSense = true
  let largest = 0
  for (const chunk of chunks) {
    const taken = splitter.push(chunk, longest, (bytes, at, length) => {
      frames.push(Buffer.from(bytes.subarray(at, at + length)).toString("hex"))
      return true
    })
    makesSense = taken === chunk.length
    largest = Math.max(largest, splitter.size)
    if (!makesSense) break
  }
  return { frames, makesSense, largest, left: splitter.size }
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const edges = [0, ...at.map(each => each % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
}

const anyFrame = fc.oneof(
  fc
    .record({ type: fc.integer({ min: 0, max: 0x3ff }), words: fc.nat(100) })
    .map(m => stun(m.type, m.words * 4)),
  fc
    .record({ channel: fc.integer({ min: 0x4000, max: 0x7fff }), length: fc.nat(400) })
    .map(m => channelData(m.channel, m.length)),
)

describe("TURN on a stream", () => {
  test("however the bytes arrive, the messages are the same", () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (sent, at) => {
          const { frames, makesSense } = split(cut(Buffer.concat(sent), at))
          assert.ok(makesSense)
          assert.deepEqual(
            frames,
            sent.map(each => Buffer.from(each).toString("hex")),
          )
        },
      ),
    )
  })

  test("byte by byte, the last byte of a message is enough", () => {
    const sent = [stun(1, 0), channelData(0x4000, 0), channelData(0x4001, 5), stun(3, 8)]
    const bytes = Buffer.concat(sent)
    const { frames } = split([...bytes].map(byte => Uint8Array.of(byte)))
    assert.equal(frames.length, 4)
    assert.deepEqual(frames, split([bytes]).frames)
  })

  test("no bytes throw, and what is kept is no more than twice what came", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), chunks => {
        const came = chunks.reduce((sum, each) => sum + each.length, 0)
        assert.ok(split(chunks).largest <= Math.max(256, 2 * came))
      }),
    )
  })

  test("a declared length takes no memory", () => {
    const [header] = cut(channelData(0x4000, 0xffff), [4])
    assert.deepEqual(split([header!]), { frames: [], makesSense: true, largest: 256, left: 256 })
  })

  test("what a long message took is given back", () => {
    const { frames, largest, left } = split(cut(channelData(0x4000, 0xffff), [65_000]))
    assert.equal(frames[0]!.length, 2 * (4 + 0x10000))
    assert.equal(largest, 65_536)
    assert.equal(left, 0)
  })

  test("the longest of both kinds fit, and nothing beyond what is allowed is waited for", () => {
    for (const frame of [stun(0x16, 0xfffc), channelData(0x4000, 0xffff)]) {
      assert.ok(frame.length <= turnFraming.longest)
      assert.equal(split([frame]).frames.length, 1)
      assert.equal(split([frame.subarray(0, 8)], 4096).makesSense, false)
    }
  })

  test("what is neither STUN nor ChannelData ends it, as soon as that can be told", () => {
    const wrongCookie = Buffer.from(stun(1, 0))
    wrongCookie[7] = 0
    const oddLength = Buffer.from(stun(1, 0))
    oddLength[3] = 2
    const bad = [
      wrongCookie.subarray(0, 8),
      oddLength.subarray(0, 4),
      Buffer.of(0x20),
      Buffer.of(0x16),
      Buffer.of(0x80),
    ]
    for (const bytes of bad) {
      assert.equal(split([bytes]).makesSense, false, bytes.toString("hex"))
      const { frames, makesSense } = split([Buffer.concat([stun(1, 4), bytes])])
      assert.deepEqual([frames.length, makesSense], [1, false])
    }
  })

  test("after a message that was the last one wanted, the rest is left", () => {
    const splitter = new FrameSplitter(turnFraming)
    let taken = 0
    const both = Buffer.concat([stun(1, 0), Buffer.from(" garbage")])
    const one = (): boolean => {
      taken++
      return false
    }
    assert.equal(splitter.push(both, turnFraming.longest, one), 20)
    assert.equal(splitter.push(stun(1, 0).subarray(0, 7), turnFraming.longest, one), 7)
    assert.equal(splitter.push(Buffer.concat([stun(1, 0).subarray(7), Buffer.of(1, 2)]), 100, one), 13)
    assert.equal(taken, 2)
    splitter.push(Buffer.of(0, 1, 2), turnFraming.longest, one)
    assert.deepEqual(splitter.takeBegun(), Uint8Array.of(0, 1, 2))
    assert.deepEqual(splitter.takeBegun(), new Uint8Array(0))
  })
})

test("eight bytes tell STUN from everything else on a stream, the first byte often does", () => {
  const message = stun(1, 0)
  assert.equal(beginsAsStun(message), true)
  for (let i = 0; i < 8; i++) assert.equal(beginsAsStun(message.subarray(0, i)), undefined)
  assert.equal(beginsAsStun(Buffer.from("GET")), false)
  // ICE over TCP: two bytes of length in front (RFC 6544, RFC 4571).
  assert.equal(beginsAsStun(Buffer.concat([Buffer.of(0, 20), message])), false)
})
