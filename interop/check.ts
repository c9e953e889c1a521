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
  /** Whether their own two halves do it, where that was tried too. What they cannot do is not asked of us. */
  readonly reference?: boolean
}

/** What a suite found, or why it could not be tried here. */
export type Found =
  | {
      readonly checks: readonly Check[] /** What there is to try, and we do not have. */
      readonly notTried?: readonly string[]
    }
  | { readonly missing: string }

/** Whether it is as it should be. */
export function isMet({ passed, reference }: Check): boolean {
  return passed || reference === false
}
