/** RFC 8122 §5: a hash over the DER of a certificate. */
export interface Fingerprint {
  readonly algorithm: "sha-256" | "sha-384" | "sha-512"
  /** As SDP writes it: pairs of upper-case hex digits with colons between. */
  readonly value: string
}
