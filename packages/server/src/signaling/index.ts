export { ROOM_NAME } from "./schema.ts"
export { signaling } from "./service.ts"
export { issueToken } from "./tokens.ts"
