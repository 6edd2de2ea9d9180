/*
 * An emulated TCP host behind a TUN device, for bench/scan.ts: answers SYNs to one address, with delay, loss, a
 * default drop and limits. Linux, root, inside a network namespace.
 *
 *   emulated-host DELAY_MS JITTER_MS LOSS_PERCENT DROP SYN_LIMIT RST_LIMIT LINK_PPS LINK_QUEUE PORT...
 *
 * A limit or rate of 0 means none; DROP 1 makes every port that is not open silent. Prints "ready" when it answers.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct limit { double rate, tokens, at; };
struct reply { double at; uint8_t bytes[44]; int length; };

static uint8_t open_ports[65536];
static struct reply *line;
static int waiting, room;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double chance(void) { return random() / (RAND_MAX + 1.0); }

static int allows(struct limit *limit, double at) {
  if (limit->rate == 0) return 1;
  double most = limit->rate / 10;
  limit->tokens += (at - limit->at) * limit->rate / 1e3;
  if (limit->tokens > most) limit->tokens = most;
  limit->at = at;
  if (limit->tokens < 1) return 0;
  limit->tokens--;
  return 1;
}

static uint16_t checksum(const uint8_t *bytes, int count, uint32_t sum) {
  for (int i = 0; i < count; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

/* The queue is kept in order of departure; with jitter a reply moves a few places, so inserting from the end is cheap. */
static void enqueue(const struct reply *reply) {
  if (waiting == room) line = realloc(line, (room = room ? room * 2 : 1024) * sizeof *line);
  int at = waiting++;
  for (; at > 0 && line[at - 1].at > reply->at; at--) line[at] = line[at - 1];
  line[at] = *reply;
}

static void answer(const uint8_t *in, int is_open, double at) {
  struct reply reply = {.at = at, .length = 40};
  uint8_t *ip = reply.bytes, *tcp = ip + 20;
  uint32_t next;
  memcpy(&next, in + 24, 4);
  next = htonl(ntohl(next) + 1);
  ip[0] = 0x45;
  ip[3] = 40;
  ip[8] = 64;
  ip[9] = 6;
  memcpy(ip + 12, in + 16, 4);
  memcpy(ip + 16, in + 12, 4);
  *(uint16_t *)(ip + 10) = checksum(ip, 20, 0);
  memcpy(tcp, in + 22, 2);
  memcpy(tcp + 2, in + 20, 2);
  memcpy(tcp + 8, &next, 4);
  tcp[12] = 5 << 4;
  tcp[13] = is_open ? 0x12 : 0x14;
  tcp[14] = 0xff;
  uint32_t pseudo = 6 + 20;
  for (int i = 12; i < 20; i += 2) pseudo += (uint32_t)ip[i] << 8 | ip[i + 1];
  *(uint16_t *)(tcp + 16) = checksum(tcp, 20, pseudo);
  enqueue(&reply);
}

int main(int argc, char **argv) {
  if (argc < 9) return 2;
  double delay = atof(argv[1]), jitter = atof(argv[2]), loss = atof(argv[3]) / 100, link_free = 0;
  double link_rate = atof(argv[7]), link_queue = atof(argv[8]);
  int drops = atoi(argv[4]);
  struct limit syns = {.rate = atof(argv[5])}, resets = {.rate = atof(argv[6])};
  for (int i = 9; i < argc; i++) open_ports[atoi(argv[i]) & 0xffff] = 1;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strcpy(request.ifr_name, "tun0");
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) return perror("tun"), 1;
  if (system("ip addr add 10.9.0.1/24 dev tun0 && ip link set tun0 txqueuelen 10000 up") != 0) return 1;
  puts("ready");
  fflush(stdout);
  for (;;) {
    double at = now_ms();
    int gone = 0;
    while (gone < waiting && line[gone].at <= at) {
      if (write(fd, line[gone].bytes, line[gone].length) < 0) perror("write");
      gone++;
    }
    if (gone) memmove(line, line + gone, (waiting -= gone) * sizeof *line);
    uint8_t in[2048];
    int got = read(fd, in, sizeof in);
    if (got < 40) {
      struct pollfd poll_fd = {fd, POLLIN, 0};
      poll(&poll_fd, 1, waiting ? 1 : 100);
      continue;
    }
    at = now_ms();
    if (in[0] != 0x45 || in[9] != 6 || in[19] != 2) continue;
    if (chance() < loss) continue;
    if (link_rate > 0) {
      double from = link_free > at ? link_free : at;
      if ((from - at) * link_rate / 1e3 > link_queue) continue;
      at = link_free = from + 1e3 / link_rate;
    }
    if ((in[33] & 0x16) != 2 || !allows(&syns, at)) continue;
    int is_open = open_ports[in[22] << 8 | in[23]];
    if (!is_open && (drops || !allows(&resets, at))) continue;
    if (chance() >= loss) answer(in, is_open, at + delay + jitter * chance());
  }
}
