export { isHiddenName, resolveHiddenName } from "./resolve.ts"
