import { randomUUID } from "node:crypto"
import { errors, jwtVerify, SignJWT } from "jose"
import type { Grants, Verdict } from "./ask.ts"

/** The `typ` of the header, so that no other JWT signed with the same secret passes for one of these. */
const TYPE = "tightbeam-join+jwt"

/** Clocks of two machines may differ by this many seconds. */
const CLOCK_TOLERANCE = 5

export interface TokenOptions {
  readonly room: string
  /** Seconds that it may be used within. */
  readonly ttl: number
  readonly grants?: Partial<Grants>
}

/** Signs a join token (HS256). `secret` is the server's `access.secret`, as bytes. */
export function issueToken({ room, ttl, grants = {} }: TokenOptions, secret: Uint8Array): Promise<string> {
  return new SignJWT({ room, grants: { publish: true, host: false, ...grants } })
    .setProtectedHeader({ alg: "HS256", typ: TYPE })
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${ttl} seconds`)
    .sign(secret)
}

/** What a token is worth for a room. Whatever is wrong with it is the answer; it never rejects. */
export async function verifyToken(token: string, room: string, secret: Uint8Array): Promise<Verdict> {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ["HS256"],
      typ: TYPE,
      requiredClaims: ["room", "jti", "exp"],
      clockTolerance: CLOCK_TOLERANCE,
    })
    if (payload.room !== room) return { type: "refused", code: "token-foreign" }
    const expires = (payload.exp! + CLOCK_TOLERANCE) * 1000
    const remaining = Math.max(0, expires - Date.now())
    return { type: "authorized", grants: grantsOf(payload.grants), tokenId: payload.jti!, remaining }
  } catch (error) {
    return { type: "refused", code: error instanceof errors.JWTExpired ? "token-expired" : "token-invalid" }
  }
}

/** What a token does not say, it does not grant. */
function grantsOf(claim: unknown): Grants {
  const granted = typeof claim === "object" && claim !== null ? claim : {}
  return {
    publish: "publish" in granted && granted.publish === true,
    host: "host" in granted && granted.host === true,
  }
}
