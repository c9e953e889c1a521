/**
 * Bytes whose address the kernel is told, or a library. Whoever tells it keeps this object: an address alone keeps nothing
 * alive, and the collector would give the memory to somebody else.
 */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  readonly address: number

  constructor(library: { addressOf(bytes: Uint8Array): number }, length: number) {
    const buffer = new ArrayBuffer(length)
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.address = library.addressOf(this.bytes)
  }

  /** Writes the address of `at` of `of` here, as a pointer. */
  setPointer(at: number, of: Memory, ofAt: number): void {
    this.view.setBigUint64(at, BigInt(of.address + ofAt), true)
  }
}
