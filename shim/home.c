/* HOME, from the container's own /etc/passwd. */
#include "shim.h"

/** What is read of a file at most: a sparse one of the image's could go on for days. */
enum { MOST = 16 << 20 };

/** A line reader over a file of the container: lines that do not fit are skipped. */
struct lines {
  int fd;
  size_t at, end, total;
  char buffer[4096];
};

/** The next line without its newline; NULL at the end (or when reading fails). */
static char *next_line(struct lines *lines) {
  for (int skipping = 0;;) {
    char *start = lines->buffer + lines->at;
    for (size_t i = lines->at; i < lines->end; i++) {
      if (lines->buffer[i] != '\n') continue;
      lines->buffer[i] = '\0';
      lines->at = i + 1;
      if (!skipping) return start;
      skipping = 0;
      start = lines->buffer + lines->at;
    }
    memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
    lines->end -= lines->at;
    lines->at = 0;
    if (lines->end == sizeof lines->buffer - 1) {
      skipping = 1;
      lines->end = 0;
    }
    size_t room = lines->total < MOST ? sizeof lines->buffer - 1 - lines->end : 0;
    int got = sys(read, lines->fd, lines->buffer + lines->end, room);
    if (got > 0) {
      lines->end += (size_t)got;
      lines->total += (size_t)got;
      continue;
    }
    if (lines->end == 0 || skipping) return NULL;
    lines->buffer[lines->end] = '\0'; /* the last line has no newline */
    lines->end = 0;
    return lines->buffer;
  }
}

/** Ends the colon-separated field that begins at `field`; returns the next one, NULL after the last. */
static char *cut_field(char *field) {
  if (field == NULL) return NULL;
  while (*field != '\0' && *field != ':') field++;
  if (*field == '\0') return NULL;
  *field = '\0';
  return field + 1;
}

/** Strictly decimal: a user whose name is a number is not that number (CVE-2016-3697). */
static int is_number(const char *digits, uint64_t value) {
  uint64_t number = 0;
  if (digits == NULL || *digits == '\0') return 0;
  for (; *digits != '\0'; digits++) {
    if (*digits < '0' || *digits > '9' || number > UINT32_MAX) return 0;
    number = number * 10 + (uint64_t)(*digits - '0');
  }
  return number == value;
}

static void set_home(const char *path) {
  size_t length = strlen(path);
  if (length == 0 || length + sizeof "HOME=" > sizeof shim.home) {
    path = "/";
    length = 1;
  }
  memcpy(shim.home, "HOME=", 5);
  memcpy(shim.home + 5, path, length + 1);
}

/* The container's root is our root by now. The file is the image's: a fifo or a device in its place must not hang us,
   and no magic link may lead out. Whatever is wrong with it, HOME is `/` then. */
int run_find_home(const struct op_find_home *op) {
  static struct lines lines;
  struct stat stat;
  set_home("/");
  int root = sys(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return failed(FIND_HOME_OPEN, root);
  int probe = open_in_root(root, "etc/passwd", O_PATH, LINKS_IN_ROOT);
  int fd = probe < 0 || sys(fstat, probe, &stat) < 0 || !S_ISREG(stat.st_mode)
               ? -EINVAL
               : open_in_root(root, "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, LINKS_IN_ROOT);
  close_fd(probe);
  close_fd(root);
  if (fd < 0) return 0;
  lines.fd = fd;
  for (char *line; (line = next_line(&lines)) != NULL;) {
    char *uid = cut_field(cut_field(line)); /* name:password:uid:gid:gecos:home:shell */
    char *gid = cut_field(uid);
    char *home = cut_field(cut_field(gid));
    cut_field(home);
    if (home == NULL || !is_number(uid, op->uid)) continue;
    set_home(home);
    break;
  }
  close_fd(fd);
  return 0;
}
