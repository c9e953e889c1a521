/** The least that RFC 4787 REQ-5 allows for UDP, ms. */
export const UDP_TIMEOUT = 120_000

/** RFC 5382 REQ-5: 2 hours and 4 minutes for an established connection. */
export const TCP_TIMEOUT = 7_440_000
