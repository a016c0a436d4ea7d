/*
 * The static form: QuickJS, the program's bytecode, the table of C functions and the shim in one file.
 * It lives for milliseconds, so no memory is given back, and only the parts of JavaScript that the hot path uses exist.
 * A run begins with the engine ready and the hot parts loaded: they lie in its file (image.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "arena.h"
#include "program.h"

/* A file of ours that got one of these numbers would be the container's, or closed with it. Node and Go do the same. */
static void open_missing_stdio(void)
{
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_RDWR);
}

/*
 * A reader of stderr that has gone, or a limit on the size of files, is an error of write(2) and told as such, instead of the end of us in the
 * middle of a create. Node does the same; what we execute begins with the defaults (shim/process.c, posix_spawn).
 */
static void outlive_writes(void)
{
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

/* Of new memory: what every command needs of it. */
enum { FIRST_WRITES = 96 << 10 };

int main(int argc, char **argv)
{
  if (image.root == NULL) return argc == 2 || argc == 3 ? image_write(argv[1], argv[2]) : 2;
  open_missing_stdio();
  outlive_writes();
  program = image.root;
  arena_fill(program->imaged[0].from, program->imaged[0].to);
  arena_fill(image.large.next, image.large.next + FIRST_WRITES);
  arena_fill(image.small.next, image.small.limit);
  JSContext *ctx = program->ctx;
  JS_UpdateStackTop(program->rt);
  JS_SetPropertyStr(ctx, program->native, "argv", new_strings(ctx, argv + (argc > 0)));
  JSValue main_function = JS_GetPropertyStr(ctx, program->native, "main");
  JSValue code = JS_Call(ctx, main_function, JS_UNDEFINED, 0, NULL);
  int32_t status = 1;
  if (JS_IsException(code) || JS_ToInt32(ctx, &status, code) != 0) die(ctx);
  _exit(status);
}
