export { escapeText } from "./escape.ts"
export { createLog, errorText, type Fields, LEVELS, type Level, type Log, type LogOptions } from "./log.ts"
