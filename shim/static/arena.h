/* Memory for a program that ends before it would pay to give any back: a pointer that moves up. */
#include <quickjs/quickjs.h>
#include <stddef.h>

/* 8-byte aligned memory, or NULL. */
void *arena_take(size_t size);

extern const JSMallocFunctions arena_functions;
