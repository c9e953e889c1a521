/**
 * Numbers and layouts of Linux on 64-bit little-endian machines, as the kernel's headers have them
 * (`linux/socket.h`, `linux/in.h`, `linux/in6.h`, `linux/udp.h`, `asm-generic/errno.h`).
 */
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0x800
export const SOCK_CLOEXEC = 0x80000

export const SOL_SOCKET = 1
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_REUSEPORT = 15
export const IPPROTO_IP = 0
export const IP_MTU_DISCOVER = 10
export const IPPROTO_IPV6 = 41
export const IPV6_MTU_DISCOVER = 23
export const IPV6_V6ONLY = 26
/** `IP_PMTUDISC_DO` and `IPV6_PMTUDISC_DO`: in one piece, or EMSGSIZE. */
export const PMTUDISC_DO = 2
export const SOL_UDP = 17
export const UDP_SEGMENT = 103
export const UDP_GRO = 104

export const MSG_DONTWAIT = 0x40
export const POLLIN = 1

export const EAGAIN = 11
export const EIO = 5
export const EINVAL = 22
export const EMSGSIZE = 90
export const ENOBUFS = 105

/** `struct mmsghdr`: a `struct msghdr`, and how many bytes were transferred. */
export const MMSGHDR = 64
export const NAME_AT = 0
export const NAME_LENGTH_AT = 8
export const IOV_AT = 16
export const IOV_COUNT_AT = 24
export const CONTROL_AT = 32
export const CONTROL_LENGTH_AT = 40
export const TRANSFERRED_AT = 56

/** `struct iovec`: address and length. */
export const IOVEC = 16

/** Room for a `struct sockaddr_in` or `sockaddr_in6`. */
export const SOCKADDR = 32
export const SOCKADDR_IN_LENGTH = 16
export const SOCKADDR_IN6_LENGTH = 28

/** A `struct cmsghdr` and 2 bytes of data, aligned (`CMSG_SPACE`); `cmsg_len` is without the padding at the end. */
export const CMSG_SPACE = 24
export const CMSG_LENGTH = 18
/** Where the data of a control message is; of UDP_GRO, an `int` of as much space. */
export const CMSG_DATA_AT = 16

/** The most segments of one message (`UDP_MAX_SEGMENTS` of every kernel that has UDP_SEGMENT). */
export const MAX_SEGMENTS = 64
/** The most bytes of a UDP datagram over IPv4, and so of one message. */
export const MAX_DATAGRAM = 65_507

export const EPOLL_CLOEXEC = 0x80000
export const EPOLLIN = 1
export const EPOLLET: number = 2 ** 31
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
/** `struct epoll_event`, packed on x64 alone: the events, then 8 bytes of ours. */
export const EPOLL_EVENT: number = process.arch === "x64" ? 12 : 16
export const EPOLL_DATA_AT: number = process.arch === "x64" ? 4 : 8

export const EFD_NONBLOCK = 0x800
export const EFD_CLOEXEC = 0x80000
/** What is read and written: a `uint64_t`. */
export const EFD_VALUE = 8
