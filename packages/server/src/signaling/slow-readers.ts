/** How long a client that is given up may still read, so that the reason arrives before the end, ms. */
export const LINGER = 1000

/** Bytes that may wait for a client that does not read, before it is given up. */
export const SEND_QUEUE: number = 1024 * 1024
