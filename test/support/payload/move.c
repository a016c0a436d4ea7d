/* Verbs for processes that are moved (checkpoint and restore): what they do goes on, number by number. */
#include "out.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TIMES = 6000 };

static void shortly(void) {
  struct timespec t = {0, 10 * 1000 * 1000};
  nanosleep(&t, NULL);
}

/* Writes 0, 1, 2 ... to a file that stays open (-: stdout), a hundred each second; for a minute. */
static int countVerb(int argc, char **argv) {
  (void)argc;
  int fd = strcmp(argv[0], "-") == 0 ? 1 : open(argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return 1;
  for (int i = 0; i < TIMES; i++, shortly())
    if (dprintf(fd, "%d\n", i) < 0) return 1;
  return 99;
}

/* The same, where each number first goes through a TCP connection of the loopback device. */
static int countTcpVerb(int argc, char **argv) {
  (void)argc;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0) return 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(out, (struct sockaddr *)&address, sizeof address) < 0) return 2;
  int in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (in < 0 || fd < 0) return 3;
  for (int i = 0; i < TIMES; i++, shortly()) {
    int got = -1;
    if (write(out, &i, sizeof i) != sizeof i || read(in, &got, sizeof got) != sizeof got) return 4;
    if (dprintf(fd, "%d\n", got) < 0) return 5;
  }
  return 99;
}

const struct verb moveVerbs[] = {
    {"count", 1, countVerb, "FILE (writes 0, 1, 2 ...)"},
    {"count-tcp", 1, countTcpVerb, "FILE (the same through a TCP connection)"},
    {NULL, 0, NULL, NULL},
};
