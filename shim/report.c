/* Frames to the runtime, and its answers. One datagram each, so nothing is ever half read. */
#include "shim.h"

/** To a socket with sendmsg (no SIGPIPE); the exec fifo, a pipe or a file of a test takes it by writev. */
static int send_frame(struct frame frame, size_t detail, struct control_fd *control) {
  struct iovec parts[] = {{&frame, sizeof frame}, {shim.detail, detail}};
  struct msghdr message = {.parts = parts, .part_count = detail > 0 ? 2 : 1};
  if (control != NULL) {
    message.control = control;
    message.control_length = sizeof *control;
  }
  int sent = sys(sendmsg, shim.report, &message, MSG_NOSIGNAL);
  if (sent == -ENOTSOCK && control == NULL) sent = sys(writev, shim.report, parts, message.part_count);
  return sent < 0 ? sent : 0;
}

int report(enum frame_kind kind, uint32_t a, uint32_t b, int32_t c) {
  return send_frame((struct frame){kind, a, b, c}, 0, NULL);
}

int report_fd(enum tag tag, int fd) {
  struct control_fd control = {
      .length = offsetof(struct control_fd, padding), .level = SOL_SOCKET, .type = SCM_RIGHTS, .fd = fd};
  return send_frame((struct frame){FRAME_FD, tag, 0, 0}, 0, &control);
}

void report_failure(uint32_t index, uint32_t step, int32_t error) {
  if (shim.report >= 0) send_frame((struct frame){FRAME_FAILED, index, step, error}, shim.detail_length, NULL);
}

/* The exec fifo is no socket, so the frame has its length; and a `start` that was killed must not end its container. */
void report_said(uint32_t index) {
  if (shim.report < 0 || shim.detail_length == 0) return;
  catch_sigpipe(0);
  send_frame((struct frame){FRAME_SAID, index, shim.detail_length, 0}, shim.detail_length, NULL);
  catch_sigpipe(1);
}

_Noreturn void leave(int status) {
  for (;;) sys(exit_group, status);
}

int run_barrier(const struct op_barrier *op) {
  uint32_t answer = 0;
  int error = report(FRAME_BARRIER, (uint32_t)op->n, 0, 0);
  /* A runtime that was killed leaves no process behind, and nobody to tell. */
  if (error == -EPIPE || error == -ECONNRESET) leave(1);
  if (error < 0) return failed(BARRIER_SEND, error);
  int got = sys(read, shim.report, &answer, sizeof answer);
  if (got == 0 || got == -ECONNRESET) leave(1);
  if (got < 0) return failed(BARRIER_RECEIVE, got);
  if (got != sizeof answer || answer != op->n) return failed(BARRIER_RECEIVE, -EPROTO);
  return 0;
}

/* The answer to the last barrier was the runtime's last word. */
int run_ready(const struct op_ready *op) {
  (void)op;
  close_fd(shim.report);
  shim.report = -1;
  return 0;
}

int run_exit(const struct op_exit *op) {
  (void)op;
  leave(0);
}
