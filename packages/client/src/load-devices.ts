import type * as Devices from "./devices.ts"
import { TightbeamError } from "./errors.ts"

/** Opening devices, and the words for what stands in the way: loaded when the first is asked for. */
export const loadDevices = (): Promise<typeof Devices> =>
  import("./devices.ts").catch((cause: unknown) => {
    throw new TightbeamError(
      "server-unreachable",
      "A part of the page could not be loaded.",
      "Check your network, then try again.",
      { cause },
    )
  })
