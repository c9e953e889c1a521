export { AddressTable } from "./address-table.ts"
export { TokenBucket } from "./token-bucket.ts"
