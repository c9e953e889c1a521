/** Bytes of one slab: room for any UDP datagram (65,507) and a batch of ordinary ones. */
const SLAB_SIZE = 256 * 1024
/** Slots start on 8-byte boundaries. */
const ALIGN = 8

/**
 * Memory that datagrams are written into, one behind the other. The system may read a datagram long
 * after it was sent: `inFlight` counts those, and the slab is written again only when it is 0.
 */
export interface Slab {
  readonly bytes: Uint8Array
  readonly view: DataView
  used: number
  inFlight: number
}

/**
 * A growing set of slabs, bounded so that a socket which takes nothing cannot eat the memory. In the
 * ordinary case every send is done at once and one slab, warm in the cache, serves for ever.
 */
export class SlabRing {
  readonly #slabs: Slab[] = []
  readonly #most: number
  /** Handed out when all slabs are in flight; what is written there is lost. */
  readonly overflow: Slab
  current: Slab

  constructor(most: number) {
    this.#most = most
    this.overflow = createSlab()
    this.current = this.#add()
  }

  /**
   * Makes `current` a slab with `size` free bytes at `used`; returns false, with `current` the
   * overflow slab, when every slab waits for the system.
   */
  make(size: number): boolean {
    if (size > SLAB_SIZE) throw new RangeError(`a datagram of ${size} bytes: at most ${SLAB_SIZE}`)
    let slab = this.current
    if (slab.inFlight === 0) slab.used = 0
    if (slab !== this.overflow && slab.used + size <= SLAB_SIZE) return true
    slab = this.#idle() ?? this.overflow
    slab.used = 0
    this.current = slab
    return slab !== this.overflow
  }

  /** Marks `length` bytes at `used` as taken, and held until `inFlight` is counted down again. */
  take(length: number): void {
    const slab = this.current
    slab.used += (length + ALIGN - 1) & ~(ALIGN - 1)
    slab.inFlight++
  }

  #idle(): Slab | undefined {
    for (const slab of this.#slabs) if (slab.inFlight === 0) return slab
    return this.#slabs.length < this.#most ? this.#add() : undefined
  }

  #add(): Slab {
    const slab = createSlab()
    this.#slabs.push(slab)
    return slab
  }
}

function createSlab(): Slab {
  const memory = new ArrayBuffer(SLAB_SIZE)
  return { bytes: new Uint8Array(memory), view: new DataView(memory), used: 0, inFlight: 0 }
}
