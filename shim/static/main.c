/*
 * The static form: QuickJS, the program's bytecode, the table of C functions and the shim in one file.
 * It lives for milliseconds, so no memory is given back, and only the parts of JavaScript that the hot path uses exist.
 * tools/image.mjs has it start once and puts the memory that it made into the program's file (the image): a run begins
 * with the engine ready and the hot parts loaded.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <quickjs/quickjs.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

#include "arena.h"
#include "text.h"

/* ---- arguments of the generated glue: each returns true when an exception is pending ---- */

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

static bool to_bytes(JSContext *ctx, JSValueConst value, uint8_t **out, size_t *length)
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

/* ---- the engine's own members (src/sys/native.ts) ---- */

enum { HOT, COLD };

struct part {
  const char *name;
  const uint8_t *start, *end;
  int kind;
};

/* Each line of parts.h is IMAGE(name), a part that the image holds, or PART(name, HOT or COLD); the files name.bc lie beside it. */
#define INCBIN(symbol, file)                                                                        \
  __asm__(".section .rodata." #symbol ",\"a\"\n.balign 16\n.global " #symbol "\n" #symbol ":\n"     \
          ".incbin \"" file "\"\n.global " #symbol "_end\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern const uint8_t symbol[], symbol##_end[]
#define IMAGE(name)
#define PART(name, kind) INCBIN(bytecode_##name, #name ".bc");
#include "parts.h"
#undef PART
#define PART(name, kind) {#name, bytecode_##name, bytecode_##name##_end, kind},
static const struct part parts[] = {
#include "parts.h"
};
#undef PART
#undef IMAGE
#define PART(name, kind)
#define IMAGE(name) #name,
/* The first is the one that the others take things from. */
static const char *const imaged[] = {
#include "parts.h"
};
enum { IMAGED = sizeof imaged / sizeof *imaged };
INCBIN(shim_elf, "tsrun-shim");

/* What main() finds again in the image. */
struct program {
  JSRuntime *rt;
  JSContext *ctx;
  /* `cache` has the exports of parts that were loaded since. */
  JSValue native, cache;
  bool cold_ready;
  /* The parts in the image, with the small blocks that each is made of. */
  struct {
    JSValue exports;
    const uint8_t *from, *to;
  } imaged[IMAGED];
};

static struct program *program;

/* The bytecode of `(function (native, module) {…})`, called; the value is module.exports. */
static JSValue evaluate(JSContext *ctx, const uint8_t *bytes, size_t length, JSValueConst native)
{
  JSValue code = JS_ReadObject(ctx, bytes, length, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(code)) return code;
  JSValue function = JS_EvalFunction(ctx, code);
  if (JS_IsException(function)) return function;
  JSValue module = JS_NewObject(ctx);
  JSValueConst arguments[] = {native, module};
  JSValue result = JS_Call(ctx, function, JS_UNDEFINED, 2, arguments);
  if (JS_IsException(result)) return result;
  return JS_GetPropertyStr(ctx, module, "exports");
}

static JSValue engine_load(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)argc;
  const char *name = JS_ToCString(ctx, argv[0]);
  if (name == NULL) return JS_EXCEPTION;
  for (size_t i = 0; i < IMAGED; i++) {
    if (strcmp(imaged[i], name) != 0) continue;
    arena_fill(program->imaged[i].from, program->imaged[i].to);
    return JS_DupValue(ctx, program->imaged[i].exports);
  }
  JSValue loaded = JS_GetPropertyStr(ctx, program->cache, name);
  if (!JS_IsUndefined(loaded)) return loaded;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (strcmp(parts[i].name, name) != 0) continue;
    if (parts[i].kind == COLD && !program->cold_ready) {
      program->cold_ready = true;
      JS_AddIntrinsicDate(ctx);
      JS_AddIntrinsicStringNormalize(ctx);
      JS_AddIntrinsicRegExpCompiler(ctx);
      JS_AddIntrinsicRegExp(ctx);
      JS_AddIntrinsicProxy(ctx);
      JS_AddIntrinsicPromise(ctx);
    }
    loaded = evaluate(ctx, parts[i].start, (size_t)(parts[i].end - parts[i].start), self);
    if (!JS_IsException(loaded)) JS_SetPropertyStr(ctx, program->cache, name, JS_DupValue(ctx, loaded));
    return loaded;
  }
  return JS_ThrowReferenceError(ctx, "no part %s", name);
}

static JSValue uint8_array(JSContext *ctx, uint8_t *bytes, size_t length)
{
  JSValue buffer = JS_NewArrayBuffer(ctx, bytes, length, NULL, NULL, 0);
  if (JS_IsException(buffer)) return buffer;
  JSValueConst arguments[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  return JS_NewTypedArray(ctx, 3, arguments, JS_TYPED_ARRAY_UINT8);
}

static JSValue engine_alloc(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
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

static JSValue engine_utf8_write(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
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

static JSValue engine_utf8_read(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
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

static JSValue engine_shim(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc, (void)argv;
  return uint8_array(ctx, (uint8_t *)(uintptr_t)shim_elf, (size_t)(shim_elf_end - shim_elf));
}

static JSValue engine_exit(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
  (void)self, (void)argc;
  int32_t code = 1;
  JS_ToInt32(ctx, &code, argv[0]);
  _exit(code);
}

static JSValue strings(JSContext *ctx, char **list)
{
  JSValue array = JS_NewArray(ctx);
  for (uint32_t i = 0; list[i] != NULL; i++) {
    JS_SetPropertyUint32(ctx, array, i, new_text(ctx, (uint8_t *)list[i], strlen(list[i])));
  }
  return array;
}

static JSValue engine_environ(JSContext *ctx, JSValueConst self)
{
  (void)self;
  return strings(ctx, environ);
}

static JSValue engine_self(JSContext *ctx, JSValueConst self)
{
  (void)self;
  static char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length < 0) return JS_ThrowReferenceError(ctx, "readlink(\"/proc/self/exe\"): errno %d", errno);
  path[length] = '\0';
  char *list[] = {path, NULL};
  return strings(ctx, list);
}

static const JSCFunctionListEntry engine_members[] = {
  JS_PROP_STRING_DEF("engine", "quickjs", JS_PROP_C_W_E),
  JS_PROP_STRING_DEF("arch", NR("x64", "arm64"), JS_PROP_C_W_E),
  JS_CGETSET_DEF("environ", engine_environ, NULL),
  JS_CGETSET_DEF("self", engine_self, NULL),
  JS_CFUNC_DEF("alloc", 1, engine_alloc),
  JS_CFUNC_DEF("utf8Write", 3, engine_utf8_write),
  JS_CFUNC_DEF("utf8Read", 3, engine_utf8_read),
  JS_CFUNC_DEF("shim", 0, engine_shim),
  JS_CFUNC_DEF("load", 1, engine_load),
  JS_CFUNC_DEF("exit", 1, engine_exit),
};

/* ---- start ---- */

static void complain(const char *text)
{
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t wrote = write(STDERR_FILENO, text, length);
    if (wrote <= 0) return;
    text += wrote;
    length -= (size_t)wrote;
  }
}

/* Only for bugs: everything a user can meet was caught and told in src/cli/main.ts. */
static _Noreturn void die(JSContext *ctx)
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

/* A file of ours that got one of these numbers would be the container's, or closed with it. Node and Go do the same. */
static void open_missing_stdio(void)
{
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_RDWR);
}

/* ---- the image ---- */

static JSValue evaluate_file(JSContext *ctx, const char *directory, const char *name, JSValueConst native)
{
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/%s.bc", directory, name);
  int fd = length < 0 || (size_t)length >= sizeof path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) return JS_ThrowReferenceError(ctx, "%s: errno %d", path, errno);
  size_t size = (size_t)status.st_size;
  uint8_t *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) return JS_ThrowReferenceError(ctx, "%s: errno %d", path, errno);
  close(fd);
  return evaluate(ctx, bytes, size, native);
}

/* The engine and the parts of the hot path: all that is the same in every run. */
static void build(const char *directory)
{
  arena_start();
  program = image.root = arena_take(sizeof *program);
  *program = (struct program){.rt = JS_NewRuntime2(&arena_functions, NULL)};
  JSContext *ctx = program->ctx = JS_NewContextRaw(program->rt);
  JS_SetGCThreshold(program->rt, SIZE_MAX);
  JS_AddIntrinsicBaseObjects(ctx);
  JS_AddIntrinsicJSON(ctx);
  JS_AddIntrinsicMapSet(ctx);
  JS_AddIntrinsicTypedArrays(ctx);
  program->cache = JS_NewObject(ctx);
  JSValue native = program->native = JS_NewObject(ctx);
  JS_SetPropertyFunctionList(ctx, native, glue_functions, sizeof glue_functions / sizeof *glue_functions);
  JS_SetPropertyFunctionList(ctx, native, engine_members, sizeof engine_members / sizeof *engine_members);
  const uint8_t *from = image.bytes;
  for (size_t i = 0; i < IMAGED; i++) {
    JSValue exports = evaluate_file(ctx, directory, imaged[i], native);
    if (JS_IsException(exports)) die(ctx);
    program->imaged[i].exports = exports;
    program->imaged[i].from = from;
    program->imaged[i].to = from = image.small.next;
  }
}

static void write_out(const void *bytes, size_t length)
{
  for (const uint8_t *at = bytes; length > 0;) {
    ssize_t wrote = write(STDOUT_FILENO, at, length);
    if (wrote <= 0) _exit(1);
    at += wrote;
    length -= (size_t)wrote;
  }
}

/* For tools/image.mjs: the image's address, then its bytes. */
static int write_image(const char *directory)
{
  build(directory);
  size_t length = arena_image_size();
  if (length == 0) {
    complain("the image is full: enlarge FIRST_MEMORY (shim/static/arena.h)\n");
    return 1;
  }
  uint64_t address = (uintptr_t)&image;
  write_out(&address, sizeof address);
  write_out(&image, length);
  return 0;
}

/* Of new memory: what every command needs of it. */
enum { FIRST_WRITES = 96 << 10 };

int main(int argc, char **argv)
{
  if (image.root == NULL) return argc == 2 ? write_image(argv[1]) : 2;
  open_missing_stdio();
  program = image.root;
  arena_fill(program->imaged[0].from, program->imaged[0].to);
  arena_fill(image.large.next, image.large.next + FIRST_WRITES);
  arena_fill(image.small.next, image.small.limit);
  JSContext *ctx = program->ctx;
  JS_UpdateStackTop(program->rt);
  JS_SetPropertyStr(ctx, program->native, "argv", strings(ctx, argv + (argc > 0)));
  JSValue main_function = JS_GetPropertyStr(ctx, program->native, "main");
  JSValue code = JS_Call(ctx, main_function, JS_UNDEFINED, 0, NULL);
  int32_t status = 1;
  if (JS_IsException(code) || JS_ToInt32(ctx, &status, code) != 0) die(ctx);
  _exit(status);
}
