/*
 * The yardstick: the least an echo server can do. One thread, epoll, level-triggered, 64 KiB reads, no log.
 *   cc -O2 -o echo echo.c && ./echo PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
  int fd;
  size_t have, sent; /* bytes read and not yet written back */
  char data[65536];
};

/* Writes what waits. Returns 0 when the peer is gone. */
static int flush(int poll, struct client *c) {
  while (c->sent < c->have) {
    ssize_t n = write(c->fd, c->data + c->sent, c->have - c->sent);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return 0;
    c->sent += (size_t)n;
  }
  if (c->sent == c->have) c->have = c->sent = 0;
  /* Reading waits while the peer doesn't take what it sent. */
  struct epoll_event e = {.events = c->have ? EPOLLOUT : EPOLLIN, .data.ptr = c};
  epoll_ctl(poll, EPOLL_CTL_MOD, c->fd, &e);
  return 1;
}

static void drop(struct client *c) {
  close(c->fd);
  free(c);
}

int main(int argc, char **argv) {
  if (argc != 2) return 64;
  signal(SIGPIPE, SIG_IGN);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 511) < 0) return 69;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
  if (write(1, "ready\n", 6) != 6) return 70;
  for (;;) {
    int count = epoll_wait(poll, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      struct client *c = ready[i].data.ptr;
      if (c == NULL) {
        for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          c = malloc(sizeof *c);
          c->fd = fd, c->have = c->sent = 0;
          e.events = EPOLLIN, e.data.ptr = c;
          epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
        }
        continue;
      }
      if (c->have == 0) {
        ssize_t n = read(c->fd, c->data, sizeof c->data);
        if (n < 0 && errno == EAGAIN) continue;
        if (n <= 0) {
          drop(c);
          continue;
        }
        c->have = (size_t)n;
        ssize_t w = write(c->fd, c->data, c->have);
        if (w == n) {
          c->have = 0;
          continue;
        }
        c->sent = w > 0 ? (size_t)w : 0;
      }
      if (!flush(poll, c)) drop(c);
    }
  }
}
