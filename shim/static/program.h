/* What the program's files share: the engine and what was made of it. */
#include <quickjs/quickjs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many parts the image can hold. */
enum { MOST_IMAGED = 8 };

/* What main() finds again in the image. */
struct program {
  JSRuntime *rt;
  JSContext *ctx;
  /* The object of src/sys/native.ts. `cache` has the exports of parts that were loaded since. */
  JSValue native, cache;
  /* Date, RegExp and what else only cold parts use were added. */
  bool cold_ready;
  /* The parts in the image, in the order of parts.h, with the small blocks that each is made of. The others take things from the first. */
  struct {
    JSValue exports;
    const uint8_t *from, *to;
  } imaged[MOST_IMAGED];
};

extern struct program *program;

void complain(const char *text);
/* Only for bugs: everything a user can meet was caught and told in src/cli/main.ts. */
_Noreturn void die(JSContext *ctx);

/* glue.c: the C functions of src/sys/prototypes.ts, and what other members need to read their arguments. */
void glue_add(JSContext *ctx, JSValueConst native);
bool to_bytes(JSContext *ctx, JSValueConst value, uint8_t **out, size_t *length);

/* native.c: the other members of src/sys/native.ts. */
void native_add(JSContext *ctx, JSValueConst native);
JSValue new_strings(JSContext *ctx, char **list);

/* parts.c: load(name), the exports of a part. */
JSValue parts_load(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
/* Calls what the bytecode of `(function (native, module) {...})` makes; the value is module.exports. */
JSValue parts_evaluate(JSContext *ctx, const uint8_t *bytes, size_t length, JSValueConst native);
/* The i-th part of the image, or NULL. */
const char *parts_imaged(size_t i);

/* image.c: for tools/image.mjs. Makes the image of the parts in a directory and writes its address and its bytes, or, without
   `small`, how many bytes its small blocks need. An exit status. */
int image_write(const char *directory, const char *small);
