#include "program.h"

#include <string.h>
#include <unistd.h>

struct program *program;

void complain(const char *text)
{
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t wrote = write(STDERR_FILENO, text, length);
    if (wrote <= 0) return;
    text += wrote;
    length -= (size_t)wrote;
  }
}

_Noreturn void die(JSContext *ctx)
{
  JSValue error = JS_GetException(ctx);
  const char *text = JS_ToCString(ctx, error);
  complain("tsrun: internal error: ");
  complain(text == NULL ? "unprintable exception" : text);
  complain("\n");
  JSValue stack = JS_IsObject(error) ? JS_GetPropertyStr(ctx, error, "stack") : JS_UNDEFINED;
  if (JS_IsString(stack) && (text = JS_ToCString(ctx, stack)) != NULL) complain(text);
  _exit(1);
}
