import { describe } from "node:test"
import { hostileClients } from "./abuse.ts"

/** What they cost others is measured by `npm run test:long`, on a machine that does nothing else. */
describe("One client that harms", () => hostileClients({ pairs: 2, bound: Number.POSITIVE_INFINITY }))
