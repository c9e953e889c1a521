import type { Row } from "./row.ts"

export interface Options {
  /** Under a minute. */
  readonly quick: boolean
  /** Says what was left out, and why. */
  readonly note: (text: string) => void
}

export type Suite = (options: Options) => Promise<Row[]>
