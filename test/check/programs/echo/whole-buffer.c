// fails: clean
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *serve(void *arg) {
  int fd = (int)(long)arg;
  char buffer[256];
  for (;;) {
    memset(buffer, 0, sizeof buffer);
    long n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    printf("received %ld\n", n);
    if (!strncasecmp(buffer, "exit", 4) && n < 7) break;
    send(fd, buffer, sizeof buffer, MSG_NOSIGNAL);
  }
  printf("left\n");
  close(fd);
  return NULL;
}

int main(void) {
  int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9090)};
  setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  while (bind(sock, (struct sockaddr *)&at, sizeof at) < 0) at.sin_port = htons(ntohs(at.sin_port) + 1);
  listen(sock, 128);
  printf("listening on port %d\n", ntohs(at.sin_port));
  for (;;) {
    int fd = accept(sock, NULL, NULL);
    pthread_t thread;
    printf("connected\n");
    pthread_create(&thread, NULL, serve, (void *)(long)fd);
    pthread_detach(thread);
  }
}
