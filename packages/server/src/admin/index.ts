export { Admin } from "./admin.ts"
