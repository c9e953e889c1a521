export { AddressBuckets, type AddressRate } from "./address-buckets.ts"
export { AddressTable } from "./address-table.ts"
export { TokenBucket } from "./token-bucket.ts"
