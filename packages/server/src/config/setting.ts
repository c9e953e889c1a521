/** A value that somebody set, and where: `tightbeam.yaml:3`, `TIGHTBEAM__HTTP__PORT`, `--http.port`. */
export interface Setting {
  readonly path: string
  readonly value: unknown
  readonly where: string
}

/** What one place sets, and what is wrong there. */
export interface Layer {
  readonly settings: readonly Setting[]
  readonly problems: readonly string[]
}
