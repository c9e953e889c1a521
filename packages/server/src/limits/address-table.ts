import { addressGroup } from "@tightbeam/webrtc/bytes"

/** What is remembered of each client address (IPv6: of each /64): so many, the one unseen for longest is forgotten. */
export class AddressTable<Entry> {
  readonly #capacity: number
  readonly #make: (now: number) => Entry
  /** The one unseen for longest first. */
  readonly #entries = new Map<string, Entry>()

  constructor(capacity: number, make: (now: number) => Entry) {
    this.#capacity = capacity
    this.#make = make
  }

  get size(): number {
    return this.#entries.size
  }

  /** Made anew for an address that is not known, or not any more. `now` in ms. */
  of(ip: Uint8Array, now: number): Entry {
    const group = addressGroup(ip)
    const entry = this.#entries.get(group) ?? this.#make(now)
    this.#entries.delete(group)
    this.#entries.set(group, entry)
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value!)
    return entry
  }
}
