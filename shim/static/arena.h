/* Memory for a program that ends before it would pay to give any back to the kernel: a pointer that moves up, and lists of small blocks to use again. */
#include <quickjs/quickjs.h>
#include <stddef.h>

/* Has the memory that every run needs filled at once. Optional. */
void arena_start(void);

/* 8-byte aligned memory, or NULL. */
void *arena_take(size_t size);

extern const JSMallocFunctions arena_functions;
