import type { Address } from "../bytes/index.ts"
import type { Path } from "../contract/index.ts"
import type { Base } from "./base.ts"
import { RelayedBase } from "./relayed-base.ts"
import type { Session } from "./session.ts"

/**
 * Whether data is taken from there (RFC 8445 §12.2): from wherever checks come, whatever we send over. Only where one proved
 * who it is, theirs or the answer to ours: that an address was told to us does not.
 */
export function isProvenSource({ list, early }: Session, base: Base, source: Address, path: Path): boolean {
  const pair = base instanceof RelayedBase ? list.find(base, source) : list.at(path)
  return pair?.isHeard === true || early.has(base, source)
}
