export { escapeText } from "./escape.ts"
export { createLog, errorText, type Log, type LogOptions } from "./log.ts"
