/*
 * Makes the image: tools/image.mjs has the program start once and puts the memory that it made into the program's file,
 * so a run begins with the engine ready and the hot parts loaded.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "program.h"

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
  return parts_evaluate(ctx, bytes, size, native);
}

/* The engine and the parts of the hot path: all that is the same in every run. */
static void build(const char *directory, size_t small)
{
  arena_start(small);
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
  glue_add(ctx, native);
  native_add(ctx, native);
  const uint8_t *from = image.bytes;
  for (size_t i = 0; parts_imaged(i) != NULL; i++) {
    JSValue exports = evaluate_file(ctx, directory, parts_imaged(i), native);
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

int image_write(const char *directory, const char *small)
{
  build(directory, small == NULL ? FIRST_MEMORY / 2 : strtoul(small, NULL, 10));
  size_t length = arena_image_size();
  if (length == 0) {
    complain("the image is full: enlarge FIRST_MEMORY (shim/static/arena.h)\n");
    return 1;
  }
  if (small == NULL) {
    printf("%zu", arena_small_size());
    return fflush(stdout) != 0;
  }
  uint64_t address = (uintptr_t)&image;
  write_out(&address, sizeof address);
  write_out(&image, length);
  return 0;
}
