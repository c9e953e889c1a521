export * from "./messages.ts"
export * from "./timeline.ts"
