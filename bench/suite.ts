import type { Row } from "./row.ts"

export interface Options {
  /** Under a minute. */
  readonly quick: boolean
  /** Fetches the newest coturn of Debian, where it was not fetched yet. */
  readonly tunedCoturn: boolean
  /** Says what was left out, and why. */
  readonly note: (text: string) => void
}

export type Suite = (options: Options) => Promise<Row[]>
