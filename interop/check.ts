/** One thing that was tried with an implementation of somebody else. */
export interface Check {
  readonly suite: string
  readonly peer: string
  /** What it was tried over or with. */
  readonly case: string
  readonly what: string
  readonly passed: boolean
  /** What came instead. */
  readonly why?: string
}

/** What a suite found, or why it could not be tried here. */
export type Found = { readonly checks: readonly Check[] } | { readonly missing: string }
