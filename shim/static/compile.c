/* Build tool: compiles `(function (native, module) {` + each FILE + `})` to stripped QuickJS bytecode: FILE.js → FILE.bc */
#include <quickjs/quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *slurp(const char *path, size_t *length)
{
  static const char head[] = "(function(native,module){", tail[] = "\n})";
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) return NULL;
  long size = ftell(file);
  rewind(file);
  char *text = malloc((size_t)size + sizeof head + sizeof tail);
  if (text == NULL) return NULL;
  memcpy(text, head, sizeof head - 1);
  if (fread(text + sizeof head - 1, 1, (size_t)size, file) != (size_t)size) return NULL;
  memcpy(text + sizeof head - 1 + size, tail, sizeof tail);
  *length = (size_t)size + sizeof head - 1 + sizeof tail - 1;
  fclose(file);
  return text;
}

static int compile(JSContext *ctx, const char *source, const char *target)
{
  size_t length = 0, size = 0;
  char *text = slurp(source, &length);
  if (text == NULL) {
    perror(source);
    return 1;
  }
  JSValue code = JS_Eval(ctx, text, length, source, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(code)) {
    fprintf(stderr, "%s: %s\n", source, JS_ToCString(ctx, JS_GetException(ctx)));
    return 1;
  }
  uint8_t *bytes = JS_WriteObject(ctx, &size, code, JS_WRITE_OBJ_BYTECODE);
  FILE *file = bytes == NULL ? NULL : fopen(target, "wb");
  if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
    perror(target);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv)
{
  JSRuntime *rt = JS_NewRuntime();
  JS_SetStripInfo(rt, JS_STRIP_DEBUG);
  JSContext *ctx = JS_NewContext(rt);
  for (int i = 1; i + 1 < argc; i += 2) {
    if (compile(ctx, argv[i], argv[i + 1]) != 0) return 1;
  }
  return 0;
}
