/*
 * `foreground PLAN OFFSET TTY SHIM COMMAND…`: starts a command, then becomes the shim's monitor of it, as a foreground run does.
 * The command's pid is put into the plan at OFFSET; with TTY 1 it has a terminal of its own, whose master is descriptor 20.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  int tty = atoi(argv[3]), slave = -1, unlocked = 0;
  if (tty) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    ioctl(master, TIOCSPTLCK, &unlocked);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    dup2(master, 20);
    close(master);
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &all, NULL); /* as a careful runtime would: what comes now waits for the monitor */
  int pid = fork();
  if (pid == 0) {
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    close(20);
    if (tty) {
      ioctl(slave, TIOCSCTTY, 0);
      for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    }
    execvp(argv[5], argv + 5);
    _exit(127);
  }
  if (tty) close(slave);
  static char plan[65536];
  int file = open(argv[1], O_RDONLY);
  long length = read(file, plan, sizeof plan);
  *(int *)(plan + atoi(argv[2])) = pid;
  close(file);
  int memory = memfd_create("plan", 0);
  if (write(memory, plan, (size_t)length) != length) return 2;
  dup2(memory, 21);
  execl(argv[4], "tsrun-shim", "monitor", "21", "21", "0", NULL);
  return 126;
}
