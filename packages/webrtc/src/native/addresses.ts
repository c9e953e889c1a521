/**
 * Where bytes lie that others own: asked once for each array buffer, for asking costs as much as encrypting. The buffer
 * that was asked for last is kept alive; an address alone would not do that.
 *
 * A buffer that was detached keeps its entry, but its arrays have no bytes then: whoever checks lengths first never gets here.
 */
export class Addresses {
  readonly #library: { addressOf(bytes: Uint8Array): number }
  readonly #known = new WeakMap<ArrayBufferLike, number>()
  #latest: ArrayBufferLike | undefined
  #address = 0

  constructor(library: { addressOf(bytes: Uint8Array): number }) {
    this.#library = library
  }

  of(bytes: Uint8Array): number {
    const { buffer } = bytes
    if (buffer !== this.#latest) this.#find(buffer)
    return this.#address + bytes.byteOffset
  }

  #find(buffer: ArrayBufferLike): void {
    let address = this.#known.get(buffer)
    if (address === undefined) {
      address = this.#library.addressOf(new Uint8Array(buffer))
      this.#known.set(buffer, address)
    }
    this.#latest = buffer
    this.#address = address
  }
}
