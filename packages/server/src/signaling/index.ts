export { signaling } from "./service.ts"
export { issueToken } from "./tokens.ts"
