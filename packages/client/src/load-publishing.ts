import { TightbeamError } from "./errors.ts"
import type * as Publishing from "./publishing.ts"

/** What it takes to publish, loaded when that is first asked for. */
export const loadPublishing = (): Promise<typeof Publishing> =>
  import("./publishing.ts").catch((cause: unknown) => {
    throw new TightbeamError(
      "server-unreachable",
      "A part of the page could not be loaded.",
      "Check your network, then try again.",
      { cause },
    )
  })
