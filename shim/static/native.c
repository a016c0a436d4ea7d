/* The engine's own members of src/sys/native.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "incbin.h"
#include "program.h"
#include "text.h"

#if defined(__x86_64__)
#define ARCH "x64"
#else
#define ARCH "arm64"
#endif

INCBIN(shim_elf, "tsrun-shim");

static JSValue uint8_array(JSContext *ctx, uint8_t *bytes, size_t length)
{
  JSValue buffer = JS_NewArrayBuffer(ctx, bytes, length, NULL, NULL, 0);
  if (JS_IsException(buffer)) return buffer;
  JSValueConst arguments[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  return JS_NewTypedArray(ctx, 3, arguments, JS_TYPED_ARRAY_UINT8);
}

static JSValue native_alloc(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc;
  int64_t size = 0;
  if (JS_ToInt64(ctx, &size, argv[0])) return JS_EXCEPTION;
  if (size < 0 || size > (1 << 30)) return JS_ThrowRangeError(ctx, "alloc: %lld bytes", (long long)size);
  uint8_t *bytes = arena_take((size_t)size);
  if (bytes == NULL) return JS_ThrowOutOfMemory(ctx);
  memset(bytes, 0, (size_t)size);
  JSValue memory = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, memory, "address", JS_NewInt64(ctx, (int64_t)(uintptr_t)bytes));
  JS_SetPropertyStr(ctx, memory, "bytes", uint8_array(ctx, bytes, (size_t)size));
  return memory;
}

static JSValue native_utf8_write(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc;
  uint8_t *into = NULL;
  size_t room = 0, length = 0;
  int64_t offset = 0;
  if (to_bytes(ctx, argv[1], &into, &room) || JS_ToInt64(ctx, &offset, argv[2])) return JS_EXCEPTION;
  const char *text = JS_ToCStringLen(ctx, &length, argv[0]);
  if (text == NULL) return JS_EXCEPTION;
  bool fits = offset >= 0 && (size_t)offset <= room && length <= room - (size_t)offset;
  if (fits) {
    memcpy(into + offset, text, length);
    text_replace_surrogates(into + offset, length);
  }
  JS_FreeCString(ctx, text);
  if (!fits) return JS_ThrowRangeError(ctx, "utf8Write: %zu bytes do not fit", length);
  return JS_NewInt64(ctx, (int64_t)length);
}

static JSValue new_text(JSContext *ctx, const uint8_t *bytes, size_t length)
{
  if (text_is_valid(bytes, length)) return JS_NewStringLen(ctx, (const char *)bytes, length);
  char *clean = arena_take(length * 3);
  if (clean == NULL) return JS_ThrowOutOfMemory(ctx);
  return JS_NewStringLen(ctx, clean, text_clean(bytes, length, clean));
}

static JSValue native_utf8_read(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc;
  uint8_t *bytes = NULL;
  size_t length = 0;
  int64_t from = 0, to = 0;
  if (to_bytes(ctx, argv[0], &bytes, &length) || JS_ToInt64(ctx, &from, argv[1]) || JS_ToInt64(ctx, &to, argv[2])) {
    return JS_EXCEPTION;
  }
  if (from < 0 || from > to || (size_t)to > length) return JS_ThrowRangeError(ctx, "utf8Read: out of bounds");
  return new_text(ctx, bytes + from, (size_t)(to - from));
}

static JSValue native_shim(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc, (void)argv;
  return uint8_array(ctx, (uint8_t *)(uintptr_t)shim_elf, (size_t)(shim_elf_end - shim_elf));
}

static JSValue native_exit(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc;
  int32_t code = 1;
  JS_ToInt32(ctx, &code, argv[0]);
  _exit(code);
}

JSValue new_strings(JSContext *ctx, char **list)
{
  JSValue array = JS_NewArray(ctx);
  for (uint32_t i = 0; list[i] != NULL; i++) {
    JS_SetPropertyUint32(ctx, array, i, new_text(ctx, (uint8_t *)list[i], strlen(list[i])));
  }
  return array;
}

static JSValue native_environ(JSContext *ctx, JSValueConst self)
{
  (void)self;
  return new_strings(ctx, environ);
}

static JSValue native_self(JSContext *ctx, JSValueConst self)
{
  (void)self;
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length < 0) return JS_ThrowReferenceError(ctx, "readlink(\"/proc/self/exe\"): errno %d", errno);
  path[length] = '\0';
  char *list[] = {path, NULL};
  return new_strings(ctx, list);
}

static const JSCFunctionListEntry native_members[] = {
  JS_PROP_STRING_DEF("engine", "quickjs", JS_PROP_C_W_E),
  JS_PROP_STRING_DEF("arch", ARCH, JS_PROP_C_W_E),
  JS_CGETSET_DEF("environ", native_environ, NULL),
  JS_CGETSET_DEF("self", native_self, NULL),
  JS_CFUNC_DEF("alloc", 1, native_alloc),
  JS_CFUNC_DEF("utf8Write", 3, native_utf8_write),
  JS_CFUNC_DEF("utf8Read", 3, native_utf8_read),
  JS_CFUNC_DEF("shim", 0, native_shim),
  JS_CFUNC_DEF("load", 1, parts_load),
  JS_CFUNC_DEF("exit", 1, native_exit),
};

void native_add(JSContext *ctx, JSValueConst native)
{
  JS_SetPropertyFunctionList(ctx, native, native_members, sizeof native_members / sizeof *native_members);
}
