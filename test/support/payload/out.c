#include "out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  int number;
  const char *name;
} errnos[] = {
    {EPERM, "EPERM"},     {ENOENT, "ENOENT"},         {ESRCH, "ESRCH"},   {EINTR, "EINTR"},   {EIO, "EIO"},
    {ENXIO, "ENXIO"},     {E2BIG, "E2BIG"},           {ENOEXEC, "ENOEXEC"}, {EBADF, "EBADF"}, {ECHILD, "ECHILD"},
    {EAGAIN, "EAGAIN"},   {ENOMEM, "ENOMEM"},         {EACCES, "EACCES"}, {EFAULT, "EFAULT"}, {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},   {EXDEV, "EXDEV"},           {ENODEV, "ENODEV"}, {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"},
    {EINVAL, "EINVAL"},   {ENFILE, "ENFILE"},         {EMFILE, "EMFILE"}, {ENOTTY, "ENOTTY"}, {ETXTBSY, "ETXTBSY"},
    {EFBIG, "EFBIG"},     {ENOSPC, "ENOSPC"},         {ESPIPE, "ESPIPE"}, {EROFS, "EROFS"},   {EMLINK, "EMLINK"},
    {EPIPE, "EPIPE"},     {ERANGE, "ERANGE"},         {ENOSYS, "ENOSYS"}, {ENOTEMPTY, "ENOTEMPTY"}, {ELOOP, "ELOOP"},
    {ENODATA, "ENODATA"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {ENOKEY, "ENOKEY"}, {ENAMETOOLONG, "ENAMETOOLONG"},
    {EAFNOSUPPORT, "EAFNOSUPPORT"}, {EPROTONOSUPPORT, "EPROTONOSUPPORT"}, {ECONNREFUSED, "ECONNREFUSED"},
};

const char *errnoName(int error) {
  static char other[32];
  for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
    if (errnos[i].number == error) return errnos[i].name;
  snprintf(other, sizeof other, "E%d", error);
  return other;
}

void bytes(const char *value, size_t size) {
  putchar('"');
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)value[i];
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c == '\n')
      fputs("\\n", stdout);
    else if (c < 0x20 || c > 0x7e)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

void text(const char *value) {
  if (value == NULL)
    fputs("null", stdout);
  else
    bytes(value, strlen(value));
}

void begin(const char *verb) {
  fputs("{\"verb\":", stdout);
  text(verb);
}

void key(const char *name) {
  putchar(',');
  text(name);
  putchar(':');
}

void number(long long value) { printf("%lld", value); }
void raw(const char *json) { fputs(json, stdout); }

void strField(const char *name, const char *value) {
  key(name);
  text(value);
}

void numField(const char *name, long long value) {
  key(name);
  number(value);
}

void bigField(const char *name, unsigned long long value) {
  key(name);
  printf("\"%llu\"", value);
}

void errField(int error) { strField("errno", error == 0 ? NULL : errnoName(error)); }

void end(void) {
  fputs("}\n", stdout);
  fflush(stdout);
}

long long toNumber(const char *s) {
  char *rest;
  int base = 10;
  if (s[0] == '0' && s[1] == 'o') {
    base = 8;
    s += 2;
  } else if (s[0] == '0' && s[1] == 'x') {
    base = 16;
  }
  long long value = (long long)strtoull(s, &rest, base);
  if (*s == '\0' || *rest != '\0') {
    fprintf(stderr, "payload: %s: not a number\n", s);
    exit(125);
  }
  return value;
}
