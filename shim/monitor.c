/*
 * The monitor of a foreground container: it is what the runtime became (execve), so the pid the user knows. It passes
 * signals on, relays the terminal, reaps whatever is re-parented to it, and ends when init has ended.
 */
#include "monitor.h"

#include <linux/signalfd.h>

static struct {
  int pid, pidfd, signals;
  int ended;
} init;

/** Every child that ended; init's status is kept. */
static int reap(void) {
  for (;;) {
    int status = 0;
    int pid = sys(wait4, -1, &status, WNOHANG, NULL);
    if (pid == -EINTR) continue;
    if (pid == 0) return 0;
    if (pid < 0) return init.ended ? 0 : pid;
    if (pid != init.pid) continue;
    init.ended = 1;
    shim.init_status = status;
  }
}

static void pass_on(const struct signalfd_siginfo *info) {
  /* Our own write to a stdout that is gone: the kernel says that it came from us. */
  if (info->ssi_signo == SIGPIPE && info->ssi_pid == (uint32_t)sys(getpid)) return;
  switch (info->ssi_signo) {
    case SIGCHLD:
    case SIGURG: return; /* ours alone, as with runc */
    case SIGWINCH: relay_resize(); return;
    default: sys(pidfd_send_signal, init.pidfd, info->ssi_signo, NULL, 0);
  }
}

/** One after the other, so that none is lost while a terminal blocks. */
static int take_signals(void) {
  struct signalfd_siginfo info[4];
  int got = sys(read, init.signals, info, sizeof info);
  if (got < 0) return got == -EAGAIN || got == -EINTR ? 0 : got;
  for (size_t i = 0; i < (size_t)got / sizeof *info; i++) pass_on(&info[i]);
  return reap();
}

static int loop(void) {
  while (!init.ended) {
    struct pollfd poll[1 + RELAY_FDS] = {{.fd = init.signals, .events = POLLIN}};
    int timeout = -1;
    unsigned count = 1U + (unsigned)relay_watch(poll + 1, &timeout);
    struct __kernel_timespec time = {0, (long long)timeout * 1000000};
    int ready = sys(ppoll, poll, count, timeout < 0 ? NULL : &time, NULL, 0);
    if (ready == -EINTR) continue;
    if (ready < 0) return failed(SUPERVISE_POLL, ready);
    relay_move(poll + 1);
    if (poll[0].revents != 0) {
      int error = take_signals();
      if (error < 0) return failed(SUPERVISE_WAITID, error);
    }
  }
  return 0;
}

/** All signals are read from a descriptor: none interrupts us, and none of them ends us before the terminal is back.
    They are blocked since the monitor began (main.c), or even since before the runtime became it. */
static int listen_to_signals(void) {
  uint64_t all = ALL_SIGNALS;
  init.signals = sys(signalfd4, -1, &all, sizeof all, O_CLOEXEC | O_NONBLOCK);
  return init.signals;
}

int run_supervise(const struct op_supervise *op) {
  init.pid = (int)op->pid;
  shim.init_status = 255 << 8; /* until we know better */
  int error = listen_to_signals();
  if (error < 0) return failed(SUPERVISE_POLL, error);
  init.pidfd = sys(pidfd_open, init.pid, 0);
  if (init.pidfd < 0) return failed(SUPERVISE_PIDFD_OPEN, init.pidfd);
  error = op->console == UINT64_MAX ? 0 : relay_start((int)op->console);
  if (error < 0) failed(SUPERVISE_TERMINAL, error);
  if (error >= 0) error = reap(); /* it may have ended before SIGCHLD was blocked */
  if (error < 0) failed(SUPERVISE_WAITID, error);
  else error = loop();
  if (error >= 0) relay_drain();
  relay_stop();
  close_fd(init.pidfd);
  return error;
}

int run_exit_like_init(const struct op_exit_like_init *op) {
  (void)op;
  int signal = shim.init_status & 0x7f;
  leave(signal != 0 ? 128 + signal : shim.init_status >> 8 & 0xff);
}
