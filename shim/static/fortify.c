/* Debian's libquickjs.a was compiled against glibc with _FORTIFY_SOURCE; musl lacks these names. */
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __snprintf_chk(char *out, size_t size, int flag, size_t room, const char *format, ...);
int __vsnprintf_chk(char *out, size_t size, int flag, size_t room, const char *format, va_list arguments);

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
  (void)flag;
  va_list arguments;
  va_start(arguments, format);
  int length = vfprintf(file, format, arguments);
  va_end(arguments);
  return length;
}

int __vsnprintf_chk(char *out, size_t size, int flag, size_t room, const char *format, va_list arguments)
{
  (void)flag;
  if (size > room) __builtin_trap();
  return vsnprintf(out, size, format, arguments);
}

int __snprintf_chk(char *out, size_t size, int flag, size_t room, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  int length = __vsnprintf_chk(out, size, flag, room, format, arguments);
  va_end(arguments);
  return length;
}
