export * from "./ice/index.ts"
