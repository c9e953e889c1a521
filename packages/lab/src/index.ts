export * from "./dtls/index.ts"
export * from "./ice/index.ts"
