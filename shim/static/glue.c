/* The C functions that TypeScript may call: for each row of src/sys/prototypes.ts one that reads its arguments. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "text.h"

/* Each returns true when an exception is pending. */

static bool to_int(JSContext *ctx, JSValueConst value, int32_t *out)
{
  return JS_ToInt32(ctx, out, value) != 0;
}

static bool to_uint(JSContext *ctx, JSValueConst value, uint32_t *out)
{
  return JS_ToUint32(ctx, out, value) != 0;
}

static bool to_long(JSContext *ctx, JSValueConst value, int64_t *out)
{
  return JS_ToInt64(ctx, out, value) != 0;
}

bool to_bytes(JSContext *ctx, JSValueConst value, uint8_t **out, size_t *length)
{
  size_t offset = 0, width = 0, whole = 0;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, length, &width);
  if (JS_IsException(buffer)) return true;
  uint8_t *start = JS_GetArrayBuffer(ctx, &whole, buffer);
  JS_FreeValue(ctx, buffer);
  if (start == NULL) return true;
  *out = start + offset;
  return false;
}

static bool to_buffer(JSContext *ctx, JSValueConst value, void **out)
{
  *out = NULL;
  if (JS_IsNull(value)) return false;
  size_t length = 0;
  uint8_t *bytes = NULL;
  if (to_bytes(ctx, value, &bytes, &length)) return true;
  *out = bytes;
  return false;
}

/* QuickJS writes half of a surrogate pair as three bytes that are no UTF-8; U+FFFD is three bytes, too. */
static bool to_text(JSContext *ctx, JSValueConst value, const char **out)
{
  size_t length = 0;
  *out = JS_ToCStringLen(ctx, &length, value);
  if (*out == NULL) return true;
  text_replace_surrogates((uint8_t *)(uintptr_t)*out, length);
  return false;
}

static void free_text(JSContext *ctx, const char *text)
{
  if (text != NULL) JS_FreeCString(ctx, text);
}

static long settle(long result)
{
  return result == -1 ? -(long)errno : result;
}

#include "glue.gen.h"

void glue_add(JSContext *ctx, JSValueConst native)
{
  JS_SetPropertyFunctionList(ctx, native, glue_functions, sizeof glue_functions / sizeof *glue_functions);
}
