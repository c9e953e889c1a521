/*
 * What relaying costs when nothing but the system calls is left of it: epoll_wait, recvmmsg, and sendmmsg with
 * UDP_SEGMENT for datagrams of one size to one destination. One port for all clients, a relayed port for each; toward
 * the peer the 4 bytes of the ChannelData header are left off, toward the client they are put in front. No
 * authentication, no permissions, no timers; a client is found by the last two bytes of its address, which is its own.
 *
 * Prints its port. A client asks for its relayed port by a datagram of 4 bytes: 0, 0 and the port of its peer, which
 * has the same address; the answer is 0, 0 and the relayed port. Peer port 0 gives it back.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 256, BATCH = 64, ROOM = 2048, HEADER = 4, EVENTS = 256, MOST_BYTES = 65507, NONE = -1 };

/* One direction of one client. */
struct way {
  int fd;
  struct sockaddr_in to;
  int open; /* its last message, where that was begun since the last flush */
  unsigned flush;
};

/* Both of a client, in an array by its address. */
struct client {
  struct way to_peer, to_client;
};

struct message {
  struct way *way;
  int first, last, segments, segment, bytes, is_open;
};

static int listener, epoll, used, messages;
static unsigned flushes = 1;
static struct client *clients[65536];
static struct client *by_fd[65536];
static uint8_t bytes[SLOTS][ROOM];
static struct sockaddr_in names[SLOTS];
static uint8_t *datas[SLOTS];
static int lengths[SLOTS], next[SLOTS];
static struct message queue[SLOTS];

static struct client **client_at(const struct sockaddr_in *address) {
  return &clients[ntohl(address->sin_addr.s_addr) & 0xffff];
}

static void check(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static int open_socket(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 4 << 20;
  check(fd, "socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof local;
  check(bind(fd, (struct sockaddr *)&local, length), "bind");
  check(getsockname(fd, (struct sockaddr *)&local, &length), "getsockname");
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  *port = ntohs(local.sin_port);
  return fd;
}

static void allocate(struct sockaddr_in *from, uint8_t *request) {
  struct client **client = client_at(from);
  uint16_t port = (uint16_t)(request[2] << 8 | request[3]);
  if (*client == NULL) *client = calloc(1, sizeof **client);
  else if ((*client)->to_peer.fd != NONE) close((*client)->to_peer.fd);
  (*client)->to_peer.fd = NONE;
  if (port != 0) {
    struct client *made = *client;
    made->to_peer.to = (struct sockaddr_in){AF_INET, htons(port), from->sin_addr, {0}};
    made->to_peer.fd = open_socket(&port);
    made->to_client.to = *from;
    made->to_client.fd = listener;
    by_fd[made->to_peer.fd] = made;
  }
  uint8_t answer[4] = {0, 0, (uint8_t)(port >> 8), (uint8_t)port};
  sendto(listener, answer, sizeof answer, 0, (struct sockaddr *)from, sizeof *from);
}

/* A slot goes out on a way: behind those of its size that already do, or as the first of another message. */
static void enqueue(int slot, struct way *way, uint8_t *data, int length) {
  datas[slot] = data;
  lengths[slot] = length;
  next[slot] = NONE;
  struct message *message = way->flush == flushes ? &queue[way->open] : NULL;
  if (message != NULL && message->is_open && length <= message->segment &&
      message->segments < BATCH && message->bytes + length <= MOST_BYTES) {
    next[message->last] = slot;
    message->last = slot;
    message->segments++;
    message->bytes += length;
    message->is_open = length == message->segment;
    return;
  }
  way->flush = flushes;
  way->open = messages;
  queue[messages++] = (struct message){way, slot, slot, 1, length, length, length > 0};
}

static struct mmsghdr headers[SLOTS];
static struct iovec vectors[SLOTS];
static union {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(uint16_t))];
} controls[SLOTS];

/* What is sent over one socket in a row goes by one call. */
static void flush(void) {
  int vector = 0;
  for (int begin = 0, end; begin < messages; begin = end) {
    int fd = queue[begin].way->fd;
    for (end = begin; end < messages && queue[end].way->fd == fd; end++) {
      struct message *message = &queue[end];
      struct msghdr *header = &headers[end].msg_hdr;
      header->msg_name = &message->way->to;
      header->msg_namelen = sizeof message->way->to;
      header->msg_iov = &vectors[vector];
      header->msg_iovlen = (size_t)message->segments;
      header->msg_control = NULL;
      header->msg_controllen = 0;
      for (int slot = message->first; slot != NONE; slot = next[slot])
        vectors[vector++] = (struct iovec){datas[slot], (size_t)lengths[slot]};
      if (message->segments == 1) continue;
      uint16_t segment = (uint16_t)message->segment;
      header->msg_control = &controls[end];
      header->msg_controllen = sizeof controls[end].space;
      controls[end].header = (struct cmsghdr){CMSG_LEN(sizeof segment), SOL_UDP, UDP_SEGMENT};
      memcpy(CMSG_DATA(&controls[end].header), &segment, sizeof segment);
    }
    for (int sent = begin; sent < end;) {
      int count = sendmmsg(fd, &headers[sent], (unsigned)(end - sent), 0);
      sent += count > 0 ? count : 1; /* What the kernel does not take is lost. */
    }
  }
  used = messages = 0;
  flushes++;
}

static void relay(int slot, int fd, int length) {
  uint8_t *data = bytes[slot] + HEADER;
  if (fd != listener) {
    uint8_t *header = bytes[slot];
    header[0] = 0x40;
    header[1] = 0;
    header[2] = (uint8_t)(length >> 8);
    header[3] = (uint8_t)length;
    enqueue(slot, &by_fd[fd]->to_client, header, length + HEADER);
  } else if (data[0] == 0 && length == HEADER) {
    allocate(&names[slot], data);
  } else {
    struct client *client = *client_at(&names[slot]);
    if (client != NULL && length >= HEADER) enqueue(slot, &client->to_peer, data + HEADER, length - HEADER);
  }
}

static struct mmsghdr received[SLOTS];
static struct iovec rooms[SLOTS];

static void receive(int fd) {
  for (int count = BATCH; count == BATCH;) {
    if (used + BATCH > SLOTS) flush();
    count = recvmmsg(fd, &received[used], BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) relay(used + i, fd, (int)received[used + i].msg_len);
    if (count > 0) used += count;
  }
}

int main(void) {
  uint16_t port;
  for (int i = 0; i < SLOTS; i++) {
    rooms[i] = (struct iovec){bytes[i] + HEADER, ROOM - HEADER};
    received[i].msg_hdr = (struct msghdr){&names[i], sizeof names[i], &rooms[i], 1, NULL, 0, 0};
  }
  epoll = epoll_create1(0);
  check(epoll, "epoll_create1");
  listener = open_socket(&port);
  printf("%u\n", port);
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) receive(events[i].data.fd);
    flush();
  }
}
