/** What `<script src="https://calls.example/tightbeam.js">` puts into `globalThis.Tightbeam`: the server serves it. */
import { openAccess } from "./open-access.ts"
import { Room as AnyRoom, type RoomOptions } from "./room.ts"

// A script that runs later than it was loaded is nobody's current script: then the page is its own server.
const { currentScript } = document
const server =
  currentScript instanceof HTMLScriptElement ? new URL(currentScript.src).origin : globalThis.location.origin

/** As in the package, but that the server is the one that the script came from, and that tokens are had from it. */
export class Room extends AnyRoom {
  constructor(options: Partial<RoomOptions> = {}) {
    super({ url: server, token: openAccess(options.url ?? server), ...options })
  }
}

export { TightbeamError } from "./errors.ts"
export { PROTOCOL_VERSION } from "./messages.ts"
