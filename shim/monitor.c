/*
 * The monitor of a foreground container: it is what the runtime became (execve), so the pid the user knows. It
 * releases the program, passes signals on, relays the terminal, reaps whatever is re-parented to it, and ends when
 * init has ended.
 */
#include "monitor.h"

#include <linux/signalfd.h>

static struct {
  int begun, ended;
  int pid, pidfd, signals;
} init;
/** What to execute when a failure ends the run (set between `release` and `supervise`), and whether also for what hooks say. */
static struct {
  struct ref args, env;
  int set, says;
} fallback;

/** A frame, with as much detail as there is. */
struct told {
  struct frame head;
  char detail[MAX_DETAIL];
};

/* `begin`, `turn` and `await_exec` serve several ops. */
#define SAME_STEPS(OP)                                                   \
  _Static_assert((int)OP##_PIDFD_OPEN == (int)SUPERVISE_PIDFD_OPEN && \
                     (int)OP##_TERMINAL == (int)SUPERVISE_TERMINAL && \
                     (int)OP##_POLL == (int)SUPERVISE_POLL &&         \
                     (int)OP##_WAITID == (int)SUPERVISE_WAITID,       \
                 "steps")
SAME_STEPS(RELEASE);
SAME_STEPS(RELEASE_EXEC);
_Static_assert((int)RELEASE_READ == (int)RELEASE_EXEC_READ && (int)RELEASE_EXECVE == (int)RELEASE_EXEC_EXECVE, "steps");

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
  /* Our own write to a stdout that is gone, or to a file that may not grow: the kernel says that it came from us. */
  int of_writes = info->ssi_signo == SIGPIPE || info->ssi_signo == SIGXFSZ;
  if (of_writes && info->ssi_pid == (uint32_t)sys(getpid)) return;
  switch (info->ssi_signo) {
    case SIGCHLD:
    case SIGURG: return; /* ours alone, as with runc */
    case SIGWINCH: relay_resize(); return;
    case SIGCONT: relay_take_terminal(); break; /* the shell had it while we were stopped */
    default: break;
  }
  sys(pidfd_send_signal, init.pidfd, info->ssi_signo, NULL, 0);
}

/** One after the other, so that none is lost while a terminal blocks. */
static int take_signals(void) {
  struct signalfd_siginfo info[4];
  int got = sys(read, init.signals, info, sizeof info);
  if (got < 0) return got == -EAGAIN || got == -EINTR ? 0 : got;
  for (size_t i = 0; i < (size_t)got / sizeof *info; i++) pass_on(&info[i]);
  return reap();
}

/** Waits for the next thing to happen, and does it. Returns what there is on `fifo` (-1: none), or an error. */
static int turn(int fifo) {
  struct pollfd poll[3 + RELAY_FDS] = {
      {.fd = init.signals, .events = POLLIN}, {.fd = fifo, .events = POLLIN}, {.fd = notify_fd(), .events = POLLIN}};
  int timeout = -1;
  unsigned count = 3U + (unsigned)relay_watch(poll + 3, &timeout);
  struct __kernel_timespec time = {0, (long long)timeout * 1000000};
  int ready = sys(ppoll, poll, count, timeout < 0 ? NULL : &time, NULL, 0);
  if (ready == -EINTR) return 0;
  if (ready < 0) return failed(SUPERVISE_POLL, ready);
  relay_move(poll + 3);
  if (poll[2].revents != 0) notify_read();
  int error = poll[0].revents != 0 ? take_signals() : 0;
  return error < 0 ? failed(SUPERVISE_WAITID, error) : poll[1].revents;
}

/** All signals are read from a descriptor: none interrupts us, and none of them ends us before the terminal is back.
    They are blocked since the monitor began (main.c), or even since before the runtime became it. */
static int listen_to_signals(void) {
  uint64_t all = ALL_SIGNALS;
  init.signals = sys(signalfd4, -1, &all, sizeof all, O_CLOEXEC | O_NONBLOCK);
  return init.signals;
}

/** What the first of the two ops does. */
static int begin(uint64_t pid, uint64_t console) {
  if (init.begun) return 0;
  init.begun = 1;
  init.pid = (int)pid;
  init.pidfd = -1;
  shim.init_status = 255 << 8; /* until we know better */
  int error = listen_to_signals();
  if (error < 0) return failed(SUPERVISE_POLL, error);
  init.pidfd = sys(pidfd_open, init.pid, 0);
  if (init.pidfd < 0) return failed(SUPERVISE_PIDFD_OPEN, init.pidfd);
  error = console == UINT64_MAX ? 0 : relay_start((int)console);
  if (error < 0) return failed(SUPERVISE_TERMINAL, error);
  return failed(SUPERVISE_WAITID, reap()); /* it may have ended before SIGCHLD was blocked */
}

static void end(void) {
  relay_drain();
  relay_stop();
  close_fd(init.pidfd);
  init.pidfd = -1;
}

/** The lists of `fallback` with one more argument: `who` and a frame in hex. Returns the environment. */
static char **tell(const char *who, const void *frame, size_t length) {
  static char last[sizeof "monitor:" + 2 * sizeof(struct told)];
  size_t at = strlen(who);
  memcpy(last, who, at);
  for (const uint8_t *byte = frame; length > 0; byte++, length--) {
    last[at++] = "0123456789abcdef"[*byte >> 4];
    last[at++] = "0123456789abcdef"[*byte & 15];
  }
  last[at] = '\0';
  char **env = spread(fallback.args, shim.pointers);
  env[-1] = last;
  *env++ = NULL;
  spread(fallback.env, env);
  return env;
}

/** The runtime tells what failed and takes the container away: it is executed with the frame as its last argument. */
static int hand_back(const char *who, const void *frame, size_t length) {
  char **env = tell(who, frame, length);
  fallback.set = 0;
  if (!init.ended) {
    /* Our child until it is reaped, so the pid is its own; a pidfd there may not be, when that is what failed. */
    sys(kill, init.pid, SIGKILL);
    wait_for(init.pid, &shim.init_status);
    init.ended = 1;
  }
  end();
  reset_signals(0);
  sys(umask, shim.umask);
  int error = sys(execve, shim.pointers[0], shim.pointers, env);
  mask_signals(ALL_SIGNALS);
  return error;
}

/** A frame of our own, with the detail. */
static size_t make_frame(struct told *frame, enum frame_kind kind, uint32_t index, uint32_t step, int32_t error) {
  frame->head = (struct frame){kind, index, step, error};
  memcpy(frame->detail, shim.detail, shim.detail_length);
  return sizeof frame->head + shim.detail_length;
}

void give_up(uint32_t index, uint32_t step, int error) {
  struct told frame;
  if (fallback.set) hand_back("monitor:", &frame, make_frame(&frame, FRAME_FAILED, index, step, -error));
}

/** What a hook printed is kept by the runtime if it can: nothing depends on it. */
static void keep_said(const char *who, const struct told *frame, size_t length) {
  if (fallback.says) run_words(shim.pointers, tell(who, frame, length), 0, 0);
}

void tell_said(uint32_t index) {
  struct told frame;
  if (shim.detail_length > 0) keep_said("monitor:", &frame, make_frame(&frame, FRAME_SAID, index, shim.detail_length, 0));
}

/** What is on the fifo of an init that has ended. A fifo that nobody opened does not hang up. */
static int look(int fifo) {
  struct pollfd poll = {.fd = fifo, .events = POLLIN};
  struct __kernel_timespec time = {0, 0};
  return sys(ppoll, &poll, 1, &time, NULL, 0) > 0 ? poll.revents : 0;
}

/** The words of hooks at the beginning of what init told; returns how much is left of it. */
static size_t take_said(struct told *heard, size_t length) {
  while (length >= sizeof heard->head && heard->head.kind == FRAME_SAID && heard->head.b <= MAX_DETAIL) {
    size_t whole = sizeof heard->head + heard->head.b;
    if (length < whole) break;
    keep_said("init:", heard, whole);
    memmove(heard, (const char *)heard + whole, length -= whole);
  }
  return length;
}

/**
 * Waits until init has executed its program, which closes its end of `from`. What init tells instead, or its silent death, ends
 * the run.
 */
static int await_exec(int from) {
  static struct told heard[2]; /* a pipe may give us one and the beginning of the next */
  size_t length = 0;
  for (int got = 1; got != 0;) {
    int seen = turn(from);
    if (seen < 0) return seen;
    if (seen == 0 && init.ended) seen = look(from);
    if (seen == 0 && init.ended) return failed(RELEASE_EXECVE, hand_back("init:", NULL, 0));
    if (seen == 0) continue;
    got = sys(read, from, (char *)heard + length, sizeof heard - length);
    if (got == -EAGAIN || got == -EINTR) continue;
    if (got < 0) return failed(RELEASE_READ, got);
    length = take_said(heard, length + (size_t)got);
    if (length > sizeof *heard) return failed(RELEASE_READ, -EPROTO);
  }
  close_fd(from);
  return length == 0 ? 0 : failed(RELEASE_EXECVE, hand_back("init:", heard, length));
}

static int begin_release(uint64_t pid, uint64_t console, struct ref args, struct ref env, uint64_t says) {
  fallback.says = says == 1;
  fallback.args = args;
  fallback.env = env;
  fallback.set = 1;
  return begin(pid, console);
}

/* Signals and the terminal are looked after before the first instruction of the program. */
int run_release(const struct op_release *op) {
  int error = begin_release(op->pid, op->console, op->args, op->env, op->says);
  if (error < 0) return error;
  int fifo = sys(openat, AT_FDCWD, text(op->fifo), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fifo < 0) return failed(RELEASE_OPEN, fifo);
  error = await_exec(fifo);
  if (error >= 0) sys(unlinkat, AT_FDCWD, text(op->fifo), 0);
  return error;
}

int run_release_exec(const struct op_release_exec *op) {
  int error = begin_release(op->pid, op->console, op->args, op->env, 0);
  if (error < 0) return error;
  uint32_t answer = (uint32_t)op->n;
  int sent = sys(sendto, (int)op->report, &answer, sizeof answer, MSG_NOSIGNAL, NULL, 0);
  /* It has ended already: its last words are in the socket. */
  if (sent < 0 && sent != -EPIPE) return failed(RELEASE_EXEC_SEND, sent);
  return await_exec((int)op->report);
}

int run_supervise(const struct op_supervise *op) {
  fallback.set = 0;
  int error = begin(op->pid, op->console);
  while (error >= 0 && !init.ended) error = turn(-1);
  end();
  return error;
}

int run_exit_like_init(const struct op_exit_like_init *op) {
  (void)op;
  int signal = shim.init_status & 0x7f;
  leave(signal != 0 ? 128 + signal : shim.init_status >> 8 & 0xff);
}
