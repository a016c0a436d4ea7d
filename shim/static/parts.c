/* The parts of the program (tools/bundlejs.mjs): those of the image, and the others as bytecode. */
#include <string.h>

#include "arena.h"
#include "incbin.h"
#include "inflate.h"
#include "program.h"

enum kind { HOT, COLD };

/* Each line of parts.h is IMAGE(name), a part that the image holds; PART(name, kind), the file name.bc; or PACKED(name, kind), which
   is that compressed, name.z, behind four bytes that tell its size. */
#define IMAGE(name)
#define PART(name, kind) INCBIN(bytecode_##name, #name ".bc");
#define PACKED(name, kind) INCBIN(bytecode_##name, #name ".z");
#include "parts.h"
#undef PART
#undef PACKED

#define PART(name, kind) {#name, bytecode_##name, bytecode_##name##_end, kind, false},
#define PACKED(name, kind) {#name, bytecode_##name, bytecode_##name##_end, kind, true},
static const struct part {
  const char *name;
  const uint8_t *start, *end;
  enum kind kind;
  bool packed;
} parts[] = {
#include "parts.h"
};
#undef IMAGE
#undef PART
#undef PACKED

#define IMAGE(name) #name,
#define PART(name, kind)
#define PACKED(name, kind)
static const char *const imaged[] = {
#include "parts.h"
};
enum { IMAGED = sizeof imaged / sizeof *imaged };
_Static_assert((int)IMAGED <= (int)MOST_IMAGED, "enlarge MOST_IMAGED");

const char *parts_imaged(size_t i)
{
  return i < IMAGED ? imaged[i] : NULL;
}

JSValue parts_evaluate(JSContext *ctx, const uint8_t *bytes, size_t length, JSValueConst native)
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

static JSValue evaluate(JSContext *ctx, const struct part *part, JSValueConst native)
{
  size_t length = (size_t)(part->end - part->start);
  if (!part->packed) return parts_evaluate(ctx, part->start, length, native);
  uint32_t size = 0;
  memcpy(&size, part->start, sizeof size);
  uint8_t *bytes = arena_take(size);
  if (bytes == NULL) return JS_ThrowOutOfMemory(ctx);
  if (!inflate(part->start + sizeof size, length - sizeof size, bytes, size)) {
    return JS_ThrowReferenceError(ctx, "part %s is damaged", part->name);
  }
  return parts_evaluate(ctx, bytes, size, native);
}

/* What the hot path does without: src is held to it by test/unit/layers.test.ts. */
static void add_cold_intrinsics(JSContext *ctx)
{
  if (program->cold_ready) return;
  program->cold_ready = true;
  JS_AddIntrinsicDate(ctx);
  JS_AddIntrinsicStringNormalize(ctx);
  JS_AddIntrinsicRegExpCompiler(ctx);
  JS_AddIntrinsicRegExp(ctx);
  JS_AddIntrinsicProxy(ctx);
  JS_AddIntrinsicPromise(ctx);
}

JSValue parts_load(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
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
    if (parts[i].kind == COLD) add_cold_intrinsics(ctx);
    loaded = evaluate(ctx, &parts[i], self);
    if (!JS_IsException(loaded)) JS_SetPropertyStr(ctx, program->cache, name, JS_DupValue(ctx, loaded));
    return loaded;
  }
  return JS_ThrowReferenceError(ctx, "no part %s", name);
}
