/* Verbs that look at or change files. A failure is an answer ("errno"), not the end of the payload. */
#include "out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *typeName(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFREG: return "file";
  case S_IFDIR: return "dir";
  case S_IFLNK: return "symlink";
  case S_IFCHR: return "char";
  case S_IFBLK: return "block";
  case S_IFIFO: return "fifo";
  case S_IFSOCK: return "socket";
  default: return "other";
  }
}

/* The answer of verbs that either work or have an errno. */
static int answer(const char *verb, const char *path, int result) {
  int error = result < 0 ? errno : 0;
  begin(verb);
  strField("path", path);
  errField(error);
  end();
  return 0;
}

static int statVerb(int argc, char **argv) {
  struct stat st;
  char link[4096];
  for (int i = 0; i < argc; i++) {
    int error = lstat(argv[i], &st) < 0 ? errno : 0;
    begin("stat");
    strField("path", argv[i]);
    errField(error);
    if (error == 0) {
      strField("type", typeName(st.st_mode));
      numField("mode", st.st_mode & 07777);
      numField("uid", st.st_uid);
      numField("gid", st.st_gid);
      numField("size", st.st_size);
      numField("ino", (long long)st.st_ino);
      numField("dev", (long long)st.st_dev);
      numField("nlink", (long long)st.st_nlink);
      if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
        numField("major", major(st.st_rdev));
        numField("minor", minor(st.st_rdev));
      }
      ssize_t n = S_ISLNK(st.st_mode) ? readlink(argv[i], link, sizeof link) : -1;
      if (n >= 0) {
        key("target");
        bytes(link, (size_t)n);
      }
    }
    end();
  }
  return 0;
}

static int catVerb(int argc, char **argv) {
  static char data[1 << 16];
  (void)argc;
  int fd = open(argv[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  size_t size = 0;
  int error = fd < 0 ? errno : 0;
  while (error == 0 && size < sizeof data) {
    ssize_t n = read(fd, data + size, sizeof data - size);
    if (n < 0) error = errno;
    if (n <= 0) break;
    size += (size_t)n;
  }
  if (fd >= 0) close(fd);
  begin("cat");
  strField("path", argv[0]);
  errField(error);
  key("data");
  bytes(data, size);
  end();
  return 0;
}

static int writeVerb(int argc, char **argv) {
  (void)argc;
  int fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  int result = fd < 0 ? -1 : (int)write(fd, argv[1], strlen(argv[1]));
  int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  return answer("write", argv[0], result);
}

static int openVerb(int argc, char **argv) {
  int flags = argc > 1 && strcmp(argv[1], "rw") == 0 ? O_RDWR : argc > 1 && strcmp(argv[1], "w") == 0 ? O_WRONLY : O_RDONLY;
  int fd = open(argv[0], flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd >= 0) close(fd);
  return answer("open", argv[0], fd);
}

static int byName(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int lsVerb(int argc, char **argv) {
  char *names[1024];
  size_t count = 0;
  (void)argc;
  DIR *dir = opendir(argv[0]);
  int error = dir == NULL ? errno : 0;
  for (struct dirent *e; dir != NULL && count < 1024 && (e = readdir(dir)) != NULL;)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) names[count++] = strdup(e->d_name);
  if (dir != NULL) closedir(dir);
  qsort(names, count, sizeof *names, byName);
  begin("ls");
  strField("path", argv[0]);
  errField(error);
  key("names");
  raw("[");
  for (size_t i = 0; i < count; i++) {
    if (i > 0) raw(",");
    text(names[i]);
    free(names[i]);
  }
  raw("]");
  end();
  return 0;
}

static int statfsVerb(int argc, char **argv) {
  struct statfs fs;
  struct statvfs vfs;
  (void)argc;
  int error = statfs(argv[0], &fs) < 0 || statvfs(argv[0], &vfs) < 0 ? errno : 0;
  begin("statfs");
  strField("path", argv[0]);
  errField(error);
  if (error == 0) {
    numField("type", (long long)fs.f_type);
    numField("bytes", (long long)fs.f_blocks * (long long)fs.f_bsize);
    numField("files", (long long)fs.f_files);
    numField("readonly", (vfs.f_flag & ST_RDONLY) != 0);
  }
  end();
  return 0;
}

static int mknodVerb(int argc, char **argv) {
  (void)argc;
  mode_t type = argv[1][0] == 'b' ? S_IFBLK : argv[1][0] == 'p' ? S_IFIFO : S_IFCHR;
  dev_t dev = makedev((unsigned)toNumber(argv[2]), (unsigned)toNumber(argv[3]));
  return answer("mknod", argv[0], mknod(argv[0], type | 0600, dev));
}

static int mkdirVerb(int argc, char **argv) {
  (void)argc;
  return answer("mkdir", argv[0], mkdir(argv[0], 0777));
}

static int unlinkVerb(int argc, char **argv) {
  (void)argc;
  return answer("unlink", argv[0], unlink(argv[0]));
}

static int mountVerb(int argc, char **argv) {
  (void)argc;
  return answer("mount", argv[1], mount("none", argv[1], argv[0], 0, NULL));
}

static int umountVerb(int argc, char **argv) {
  (void)argc;
  return answer("umount", argv[0], umount2(argv[0], MNT_DETACH));
}

static int setxattrVerb(int argc, char **argv) {
  (void)argc;
  return answer("setxattr", argv[0], setxattr(argv[0], argv[1], argv[2], strlen(argv[2]), 0));
}

const struct verb fileVerbs[] = {
    {"stat", 1, statVerb, "PATH... (lstat; one line per path)"},
    {"cat", 1, catVerb, "FILE"},
    {"write", 2, writeVerb, "FILE TEXT (creates, appends)"},
    {"open", 1, openVerb, "FILE [r|w|rw]"},
    {"ls", 1, lsVerb, "DIR"},
    {"statfs", 1, statfsVerb, "PATH"},
    {"mknod", 4, mknodVerb, "PATH c|b|p MAJOR MINOR"},
    {"mkdir", 1, mkdirVerb, "PATH"},
    {"unlink", 1, unlinkVerb, "PATH"},
    {"mount", 2, mountVerb, "TYPE PATH"},
    {"umount", 1, umountVerb, "PATH"},
    {"setxattr", 3, setxattrVerb, "PATH NAME VALUE"},
    {NULL, 0, NULL, NULL},
};
