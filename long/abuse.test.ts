import { describe } from "node:test"
import { hostileClients } from "../e2e/abuse.ts"

describe("What one client that harms costs others", () => hostileClients({ pairs: 12, bound: 2 }))
