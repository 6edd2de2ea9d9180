/*
 * fanout: everybody in one room, some of them talking; how many deliveries a second, and how late.
 *
 *   fanout netlab|redis|irc PORT MEMBERS SECONDS window|rate N [TOKENS]
 *
 *   window N   at most N messages that have not reached everybody: the most a server can do
 *   rate N     N messages a second, whatever the server does: how long a delivery takes
 *   TOKENS     netlab only: a file with one session token a line
 *
 * Every message is 100 bytes and carries the time of its sending, which receivers look for and nothing else, so that each
 * protocol costs the generator the same. One JSON line on stdout; joiningMs and talkingMs are [from, until] since the epoch.
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

enum { NETLAB, REDIS, IRC };
#define LONGEST_JOIN_US 120000000ull
enum { MARK = 18, TEXT = 100, MAX_SAMPLES = 4000000 };

struct member {
  int fd, step, joined, kept;
  char keep[64]; /* the end of the last read: a mark may be cut in two */
};

static int kind, port, members, poller, measuring;
static struct member *all;
static char (*tokens)[128];
static uint64_t delivered, joined;
static uint32_t *samples;
static uint64_t sample_count;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static long long epoch_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static void put(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t taken = send(fd, bytes, length, MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) fail("send");
    if (taken > 0) bytes += taken, length -= taken;
  }
}

static int dial(struct member *m, int watched) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = m};
  if (watched && epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  return fd;
}

/* The next step of joining, and what the server answers to it. */
static const char *step(struct member *m) {
  char line[256];
  int length = 0, number = m->fd < 0 ? 0 : (int)(m - all);
  const char *answer = "";
  if (kind == NETLAB) length = sprintf(line, "resume %s\n", tokens[number]), answer = "you are in #lobby";
  if (kind == REDIS) length = sprintf(line, "SUBSCRIBE room\r\n"), answer = ":1\r\n";
  if (kind == IRC && m->step == 0) length = sprintf(line, "NICK m%d\r\nUSER m 0 * :m\r\n", number), answer = " 001 ";
  if (kind == IRC && m->step == 1) length = sprintf(line, "JOIN #room\r\n"), answer = " 366 ";
  if (m->fd >= 0 && length > 0) put(m->fd, line, length);
  return answer;
}

static const char *answers[2];

static void take(struct member *m) {
  static char bytes[1 << 18];
  memcpy(bytes, m->keep, m->kept);
  ssize_t got = recv(m->fd, bytes + m->kept, sizeof bytes - sizeof m->keep, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    fprintf(stderr, "member %ld was disconnected\n", (long)(m - all));
    exit(2);
  }
  size_t length = m->kept + got;
  char *end = bytes + length, *at = bytes;
  if (!m->joined) {
    while (!m->joined && memmem(bytes, length, answers[m->step], strlen(answers[m->step])) != NULL) {
      if (kind == IRC && m->step == 0) m->step = 1, step(m);
      else m->joined = 1, joined++;
    }
    m->kept = length < 32 ? (int)length : 32;
    memcpy(m->keep, end - m->kept, m->kept);
    if (m->joined) m->kept = 0;
    return;
  }
  uint64_t now = now_us();
  while ((at = memchr(at, '@', end - at)) != NULL && end - at >= MARK) {
    if (at[1] != '@') {
      at++;
      continue;
    }
    delivered++;
    if (measuring && sample_count < MAX_SAMPLES) {
      char digits[17] = {0};
      memcpy(digits, at + 2, 16);
      samples[sample_count++] = (uint32_t)(now - strtoull(digits, NULL, 16));
    }
    at += MARK;
  }
  m->kept = at == NULL ? 0 : (int)(end - at);
  memmove(m->keep, end - m->kept, m->kept);
}

static void turn(int wait_ms) {
  struct epoll_event events[512];
  int count = epoll_wait(poller, events, 512, wait_ms);
  for (int i = 0; i < count; i++) take(events[i].data.ptr);
}

static void say(int fd) {
  char text[TEXT + 1], message[256];
  memset(text, 'x', TEXT);
  text[TEXT] = 0;
  snprintf(text, sizeof text, "@@%016llx", (unsigned long long)now_us());
  text[MARK] = ' ';
  const char *form = kind == NETLAB ? "%s\n" : kind == IRC ? "PRIVMSG #room :%s\r\n" : "*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$100\r\n%s\r\n";
  put(fd, message, snprintf(message, sizeof message, form, text));
}

static int later(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int main(int count, char **words) {
  if (count < 7) return 64;
  kind = strcmp(words[1], "netlab") == 0 ? NETLAB : strcmp(words[1], "redis") == 0 ? REDIS : IRC;
  port = atoi(words[2]), members = atoi(words[3]);
  double seconds = atof(words[4]);
  uint64_t window = strcmp(words[5], "window") == 0 ? strtoull(words[6], NULL, 10) : 0;
  uint64_t rate = window > 0 ? 0 : strtoull(words[6], NULL, 10);
  all = calloc(members, sizeof *all);
  tokens = calloc(members, sizeof *tokens);
  samples = malloc(MAX_SAMPLES * sizeof *samples);
  poller = epoll_create1(0);
  if (kind == NETLAB) {
    FILE *file = fopen(words[7], "r");
    for (int i = 0; i < members; i++)
      if (file == NULL || fscanf(file, "%127s", tokens[i]) != 1) fail("tokens");
  }
  struct member nobody = {.fd = -1};
  for (int i = 0; i < 2; i++) nobody.step = i, answers[i] = step(&nobody);

  uint64_t began = now_us();
  long long began_ms = epoch_ms(), from_ms = 0;
  for (int i = 0; i < members && now_us() - began < LONGEST_JOIN_US; i++) {
    all[i].fd = dial(&all[i], 1);
    step(&all[i]);
    /* As many as its listen queue holds may be under way: ngircd's takes 10, and drops what comes on top. */
    while (joined + (kind == IRC ? 8 : 256) < (uint64_t)i + 1 && now_us() - began < LONGEST_JOIN_US) turn(10);
  }
  while (joined < (uint64_t)members) {
    turn(10);
    if (now_us() - began >= LONGEST_JOIN_US) {
      fprintf(stderr, "only %llu of %d joined\n", (unsigned long long)joined, members);
      return 3;
    }
  }
  double join_s = (now_us() - began) / 1e6;
  long long joined_ms = epoch_ms();

  int *talkers = calloc(members, sizeof *talkers);
  for (int i = 0; i < members; i++) talkers[i] = kind == REDIS ? dial(&all[i], 0) : all[i].fd;
  char drop[4096];
  uint64_t each = kind == IRC ? members - 1 : members; /* IRC does not answer the sender */
  uint64_t sent = 0, start = now_us(), from = start + 1000000, until = from + (uint64_t)(seconds * 1e6), at_from = 0;
  while (now_us() < until) {
    uint64_t now = now_us();
    if (!measuring && now >= from) measuring = 1, at_from = delivered, from = now, from_ms = epoch_ms();
    for (int burst = 0; burst < 64; burst++) {
      if (window > 0 ? sent * each >= delivered + window * each : sent * 1000000 >= (now - start) * rate) break;
      say(talkers[sent++ % members]);
    }
    /* Redis tells a publisher how many heard it. */
    if (kind == REDIS)
      for (int i = 0; i < members && sent % 64 == 0; i++)
        while (recv(talkers[i], drop, sizeof drop, MSG_DONTWAIT) > 0);
    /* Spinning would take the processor from the server's threads while there is nothing to do. */
    turn(1);
  }
  long long until_ms = epoch_ms();
  double per_s = (delivered - at_from) / ((now_us() - from) / 1e6);
  qsort(samples, sample_count, sizeof *samples, later);
  uint32_t p50 = sample_count == 0 ? 0 : samples[sample_count / 2];
  uint32_t p99 = sample_count == 0 ? 0 : samples[sample_count * 99 / 100];
  printf("{\"deliveriesPerS\":%.0f,\"p50us\":%u,\"p99us\":%u,\"joinS\":%.3f,\"sent\":%llu,", per_s, p50, p99, join_s,
         (unsigned long long)sent);
  printf("\"joiningMs\":[%lld,%lld],\"talkingMs\":[%lld,%lld]}\n", began_ms, joined_ms, from_ms, until_ms);
  return 0;
}
