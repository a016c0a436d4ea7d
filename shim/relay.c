/*
 * The terminal of a foreground container: what the user types goes to the pty's master, what the container prints to
 * our stdout. One buffer each way; a side whose buffer is full is not read.
 */
#include "monitor.h"

enum { IN = 0, OUT = 1, ERR = 2, RETRY_MS = 100, SMALL_WRITE = 1024 };

struct buffer {
  size_t at, end;
  char bytes[8192];
};

static int master_fd = -1; /* without a terminal; apart, so that the buffers stay out of the file */
static struct {
  int input_open, output_open;
  int hung_up;       /* nobody has the slave open at the moment */
  int in_background; /* the user's terminal is another job's at the moment */
  int terminal;      /* the user's: the first of 0, 1 and 2 that is one */
  int have_saved;
  struct termios saved, raw;
  struct buffer to_master, to_output;
} relay;

static int get_termios(int fd, struct termios *termios) { return sys(ioctl, fd, TCGETS, termios); }

/**
 * Our side becomes raw but keeps output processing, and the container's side stops turning newlines into CR LF: the
 * line end is added once, on a terminal, and not at all when stdout is a file (as runc has it).
 */
static void prepare_raw(void) {
  struct termios *raw = &relay.raw;
  *raw = relay.saved;
  raw->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  raw->c_cflag = (raw->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
  raw->c_cc[VMIN] = 1;
  raw->c_cc[VTIME] = 0;
}

/* With SIGTTOU let through: a background job that wants the terminal is stopped until it is in the foreground,
   instead of taking it from the shell. */
void relay_take_terminal(void) {
  if (!relay.have_saved) return;
  mask_signals(ALL_SIGNALS & ~(1ULL << (SIGTTOU - 1)));
  sys(ioctl, relay.terminal, TCSETS, &relay.raw);
  mask_signals(ALL_SIGNALS);
}

int relay_start(int master) {
  struct termios inner;
  int flags = sys(fcntl, master, F_GETFL);
  if (flags < 0) return flags;
  master_fd = master;
  relay.input_open = relay.output_open = 1;
  int error = sys(fcntl, master, F_SETFL, flags | O_NONBLOCK);
  if (error < 0) return error;
  if (get_termios(master, &inner) >= 0) {
    inner.c_oflag &= ~(tcflag_t)ONLCR;
    sys(ioctl, master, TCSETS, &inner);
  }
  while (relay.terminal <= ERR && get_termios(relay.terminal, &relay.saved) < 0) relay.terminal++;
  if (relay.terminal > ERR) return 0;
  relay_resize();
  prepare_raw();
  relay.have_saved = 1;
  relay_take_terminal();
  return 0;
}

void relay_resize(void) {
  struct winsize size;
  if (master_fd >= 0 && sys(ioctl, relay.terminal, TIOCGWINSZ, &size) >= 0 && size.ws_col != 0)
    sys(ioctl, master_fd, TIOCSWINSZ, &size);
}

static int empty(const struct buffer *buffer) { return buffer->at == buffer->end; }

static int fill(struct buffer *buffer, int fd) {
  int got = sys(read, fd, buffer->bytes, sizeof buffer->bytes);
  if (got > 0) {
    buffer->at = 0;
    buffer->end = (size_t)got;
  }
  return got;
}

/** In small pieces where poll promises no more: a write that blocks would keep signals waiting. */
static int pour(struct buffer *buffer, int fd, size_t most) {
  size_t length = buffer->end - buffer->at;
  int written = sys(write, fd, buffer->bytes + buffer->at, length < most ? length : most);
  if (written > 0) buffer->at += (size_t)written;
  return written;
}

/** Fills in what to wait for; returns how many descriptors that are. A negative one is skipped by poll. */
int relay_watch(struct pollfd *poll, int *timeout) {
  if (master_fd < 0) return 0;
  short master = 0;
  if (!empty(&relay.to_master)) master |= POLLOUT;
  if (empty(&relay.to_output)) master |= POLLIN;
  /* A slave that nobody has open answers POLLHUP at once, for ever: look again a little later. */
  poll[0] = (struct pollfd){.fd = relay.hung_up || master == 0 ? -1 : master_fd, .events = master};
  int listen = relay.input_open && !relay.in_background && empty(&relay.to_master);
  poll[1] = (struct pollfd){.fd = listen ? IN : -1, .events = POLLIN};
  poll[2] = (struct pollfd){.fd = empty(&relay.to_output) ? -1 : OUT, .events = POLLOUT};
  if (relay.hung_up || relay.in_background) *timeout = RETRY_MS;
  relay.hung_up = relay.in_background = 0;
  return 3;
}

static int transient(int error) { return error == -EAGAIN || error == -EINTR; }

static void pour_output(void) {
  /* A stdout that is gone does not stop the container: what it prints from now on is thrown away. */
  int written = relay.output_open ? pour(&relay.to_output, OUT, SMALL_WRITE) : -EPIPE;
  if (written >= 0 || transient(written)) return;
  relay.output_open = 0;
  relay.to_output.at = relay.to_output.end;
}

void relay_move(const struct pollfd *poll) {
  if (master_fd < 0) return;
  if (poll[2].revents != 0) pour_output();
  if ((poll[0].revents & POLLOUT) != 0) {
    int written = pour(&relay.to_master, master_fd, sizeof relay.to_master.bytes);
    if (written < 0 && !transient(written)) relay.to_master.at = relay.to_master.end;
  }
  if ((poll[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && empty(&relay.to_output)) {
    int got = fill(&relay.to_output, master_fd);
    if (got <= 0 && !transient(got)) {
      relay.hung_up = 1;
      relay.to_master.at = relay.to_master.end;
    }
  }
  if (poll[1].revents != 0) {
    int got = fill(&relay.to_master, IN);
    /* The end of stdin is not told to the container, as with runc: its program goes on. EIO: it is another job's turn
       to read. */
    if (got == -EIO && relay.have_saved) relay.in_background = 1;
    else if (got <= 0 && !transient(got)) relay.input_open = 0;
  }
}

/**
 * After init's death: what the container printed is still in the pty. It is read until EIO (every slave is closed),
 * or until nothing comes although some other process keeps a slave open.
 */
void relay_drain(void) {
  if (master_fd < 0) return;
  for (;;) {
    while (!empty(&relay.to_output)) {
      struct pollfd out = {.fd = OUT, .events = POLLOUT};
      sys(ppoll, &out, 1, NULL, NULL, 0);
      pour_output();
    }
    struct pollfd in = {.fd = master_fd, .events = POLLIN};
    struct __kernel_timespec time = {0, 0};
    if (sys(ppoll, &in, 1, &time, NULL, 0) <= 0) return;
    int got = fill(&relay.to_output, master_fd);
    if (got <= 0 && !transient(got)) return;
  }
}

void relay_stop(void) {
  if (relay.have_saved) sys(ioctl, relay.terminal, TCSETS, &relay.saved);
  relay.have_saved = 0;
  close_fd(master_fd);
  master_fd = -1;
}
