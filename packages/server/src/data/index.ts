export { DataError, DataFolder } from "./data-folder.ts"
