import assert from "node:assert/strict"

interface Captured {
  readonly interfaceId: number
  readonly ms: number
  readonly bytes: Uint8Array
  readonly direction: number
  readonly comment: string | undefined
}

/** Reads one little-endian section (draft-ietf-opsawg-pcapng §3 and §4); throws at anything out of place. */
export function readPcapng(file: Uint8Array): { interfaces: string[]; packets: Captured[] } {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const interfaces: string[] = []
  const packets: Captured[] = []
  for (let at = 0; at < file.length; ) {
    const type = view.getUint32(at, true)
    const length = view.getUint32(at + 4, true)
    assert.equal(length % 4, 0)
    assert.equal(view.getUint32(at + length - 4, true), length, "the length stands at both ends")
    const end = at + length - 4
    if (at === 0) {
      assert.equal(type, 0x0a0d0d0a, "a section header first")
      assert.equal(view.getUint32(8, true), 0x1a2b3c4d)
    } else if (type === 1) {
      assert.equal(view.getUint16(at + 8, true), 101, "LINKTYPE_RAW")
      const options = readOptions(view, at + 16, end)
      assert.deepEqual(options.get(9), Uint8Array.of(9), "nanoseconds")
      interfaces.push(new TextDecoder().decode(options.get(2)))
    } else if (type === 6) {
      const captured = view.getUint32(at + 20, true)
      assert.equal(captured, view.getUint32(at + 24, true), "nothing is cut off")
      const bytes = file.subarray(at + 28, at + 28 + captured)
      const options = readOptions(view, at + 28 + 4 * Math.ceil(captured / 4), end)
      const comment = options.get(1)
      packets.push({
        interfaceId: view.getUint32(at + 8, true),
        ms: (view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 16, true)) / 1e6,
        bytes,
        direction: options.get(2)?.[0] ?? 0,
        comment: comment && new TextDecoder().decode(comment),
      })
    } else assert.fail(`block type ${type}`)
    at += length
  }
  return { interfaces, packets }
}

function readOptions(view: DataView, from: number, end: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>()
  for (let at = from; at < end; ) {
    const code = view.getUint16(at, true)
    const length = view.getUint16(at + 2, true)
    if (code === 0) {
      assert.equal(at + 4, end, "nothing behind the last option")
      return options
    }
    options.set(code, new Uint8Array(view.buffer, view.byteOffset + at + 4, length))
    at += 4 + 4 * Math.ceil(length / 4)
  }
  return options
}
