/*
 * A closed-loop load generator for echo servers on 127.0.0.1. One thread, epoll.
 *   cc -O2 -o load load.c && ./load MODE PORT CONNECTIONS BYTES DEPTH SECONDS
 *
 *   pingpong  every connection keeps DEPTH messages of BYTES on the way and waits for their return
 *   frames    the same; each message is a 4-byte big-endian length and its payload, BYTES in all
 *   stream    every connection writes as fast as it may and reads what returns
 *   churn     connect, one message there and back, close; CONNECTIONS at a time
 *
 * Prints one JSON line: operations and bytes returned per second, and for all but `stream` the latency's 50th and 99th
 * percentile in microseconds. Exits with 2 when a connection was lost or a byte came back wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum mode { PINGPONG, STREAM, CHURN };
struct client {
  int fd, writable;
  size_t sent, received;   /* bytes of this connection */
  uint64_t *began;         /* when each message on the way was written, a ring of `depth` */
  uint64_t opened;
};

static enum mode mode;
static size_t bytes, ring; /* of one message; of all that may be on the way */
static int depth, poll_fd, port;
static char *message, scratch[1 << 18];
static struct client *clients;
static uint64_t done, returned, measuring, failures;
static unsigned source;

/* Latencies in a histogram of 1/32 steps per power of two. */
static uint64_t histogram[64 * 32];

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note(uint64_t ns) {
  if (!measuring) return;
  int power = ns < 32 ? 0 : 63 - __builtin_clzll(ns) - 5 + 1;
  histogram[power * 32 + (int)((power ? ns >> (power - 1) : ns) & 31)]++;
}

static double percentile(double share) {
  uint64_t total = 0, seen = 0;
  for (int i = 0; i < 64 * 32; i++) total += histogram[i];
  for (int i = 0; i < 64 * 32; i++) {
    seen += histogram[i];
    if (total && (double)seen >= share * (double)total) {
      int power = i / 32, step = i % 32;
      return (power ? (double)((uint64_t)(step + 32) << (power - 1)) : step) / 1000.0;
    }
  }
  return 0;
}

static void watch(struct client *c, uint32_t events, int op) {
  struct epoll_event e = {.events = events, .data.ptr = c};
  epoll_ctl(poll_fd, op, c->fd, &e);
}

static void dial(struct client *c) {
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET};
  if (mode == CHURN) {
    /* Closed connections hold their port for a minute: many source addresses have many ports. */
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    at.sin_addr.s_addr = htonl(0x7f000002u + source++ % 250);
    bind(c->fd, (struct sockaddr *)&at, sizeof at);
  }
  at.sin_port = htons((uint16_t)port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->sent = c->received = 0;
  c->opened = now();
  if (connect(c->fd, (struct sockaddr *)&at, sizeof at) < 0 && errno != EINPROGRESS) failures++;
  watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
  c->writable = 0;
}

static void put(struct client *c) {
  for (;;) {
    size_t limit = mode == STREAM ? SIZE_MAX : c->received / bytes * bytes + bytes * (size_t)depth;
    if (mode == CHURN) limit = bytes;
    if (c->sent >= limit) break;
    /* Everything that may be on the way goes in one write. */
    size_t offset = c->sent % ring, most = ring - offset;
    if (most > limit - c->sent) most = limit - c->sent;
    if (mode == PINGPONG) {
      uint64_t t = now();
      for (size_t k = (c->sent + bytes - 1) / bytes; k * bytes < c->sent + most; k++) c->began[k % (size_t)depth] = t;
    }
    ssize_t n = write(c->fd, message + offset, most);
    if (n < 0) {
      if (errno != EAGAIN) failures++;
      if (!c->writable) watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
      c->writable = 1;
      return;
    }
    c->sent += (size_t)n;
  }
  if (c->writable) watch(c, EPOLLIN, EPOLL_CTL_MOD);
  c->writable = 0;
}

static void take(struct client *c) {
  ssize_t n = read(c->fd, scratch, sizeof scratch);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    failures++;
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    return;
  }
  /* The first and the last byte of each read: cheap, and enough to notice loss or disorder. */
  if (scratch[0] != message[c->received % bytes]) failures++;
  size_t before = c->received / bytes;
  c->received += (size_t)n;
  if (scratch[n - 1] != message[(c->received - 1) % bytes]) failures++;
  if (measuring) returned += (uint64_t)n;
  for (size_t k = before; k < c->received / bytes; k++) {
    if (measuring) done++;
    if (mode == PINGPONG) note(now() - c->began[k % (size_t)depth]);
  }
  if (mode == CHURN && c->received >= bytes) {
    close(c->fd);
    note(now() - c->opened);
    dial(c);
  } else put(c);
}

int main(int argc, char **argv) {
  if (argc != 7) return 64;
  int framed = strcmp(argv[1], "frames") == 0;
  mode = strcmp(argv[1], "stream") == 0 ? STREAM : strcmp(argv[1], "churn") == 0 ? CHURN : PINGPONG;
  port = atoi(argv[2]);
  int count = atoi(argv[3]);
  bytes = (size_t)atol(argv[4]);
  depth = atoi(argv[5]);
  double seconds = atof(argv[6]);
  ring = bytes * (size_t)depth;
  message = malloc(ring);
  for (size_t i = 0; i < ring; i++) message[i] = (char)('a' + i % bytes % 26);
  uint32_t length = htonl((uint32_t)bytes - 4);
  for (size_t i = 0; framed && i < ring; i += bytes) memcpy(message + i, &length, 4);
  poll_fd = epoll_create1(0);
  clients = calloc((size_t)count, sizeof *clients);
  for (int i = 0; i < count; i++) {
    clients[i].began = calloc((size_t)depth, sizeof(uint64_t));
    dial(&clients[i]);
  }
  uint64_t start = now(), warm = start + 300000000u, end = warm + (uint64_t)(seconds * 1e9), begun = 0;
  struct epoll_event ready[256];
  for (uint64_t t = start; t < end && failures < 100; t = now()) {
    if (!measuring && t >= warm) measuring = 1, begun = t;
    int n = epoll_wait(poll_fd, ready, 256, 100);
    for (int i = 0; i < n; i++) {
      struct client *c = ready[i].data.ptr;
      if (ready[i].events & (EPOLLERR | EPOLLHUP) && c->sent == 0) {
        failures++;
        close(c->fd);
        continue;
      }
      if (ready[i].events & EPOLLIN) take(c);
      else if (ready[i].events & EPOLLOUT) {
        c->writable = 1;
        put(c);
      }
    }
  }
  double took = (double)(now() - begun) / 1e9;
  printf("{\"perSecond\":%.0f,\"bytesPerSecond\":%.0f,\"p50\":%.1f,\"p99\":%.1f,\"failures\":%llu}\n", (double)done / took,
         (double)returned / took, percentile(0.5), percentile(0.99), (unsigned long long)failures);
  return failures ? 2 : 0;
}
