import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { SrtpProfile } from "@tightbeam/webrtc/crypto"

/** Packets of one stream are protected one after another, so many of them, and then unprotected: here as in srtp-peer.c. */
export const BATCH = 512

export interface Run {
  readonly profile: SrtpProfile
  /** Of a packet before it is protected. */
  readonly bytes: number
  /** A multiple of `BATCH`. */
  readonly packets: number
}

/** CPU of one packet, µs. */
export interface Cost {
  readonly protect: number
  readonly unprotect: number
}

export interface SrtpContender {
  readonly name: string
  run(run: Run): Promise<Cost>
}

export type Form = "native" | "node" | "bare"

/**
 * A process that runs some forms of the ciphers, and lives through all runs: servers run for days. Forms that leave garbage
 * share one, for how dear collecting it is differs from process to process; the native one, which leaves none, has its own.
 */
export class SrtpProcess {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, "srtp-process.ts"))
  readonly #exited = once(this.#child, "exit")
  readonly #ended: Promise<never>

  constructor() {
    this.#ended = this.#exited.then(() => Promise.reject(new Error("A process of the benchmark ended")))
    // Where nothing is being run, it may.
    this.#ended.catch(() => {})
  }

  contender(name: string, form: Form): SrtpContender {
    return {
      name,
      run: async run => {
        this.#child.send({ form, run })
        const [cost] = (await Promise.race([once(this.#child, "message"), this.#ended])) as [Cost]
        return cost
      },
    }
  }

  async stop(): Promise<void> {
    this.#child.disconnect()
    await this.#exited
  }
}
