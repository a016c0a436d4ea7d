/* Memory for a program that ends before it would pay to give any back to the kernel: pointers that move up, and lists of blocks to use again. */
#include <quickjs/quickjs.h>
#include <stddef.h>
#include <stdint.h>

enum {
  /* Blocks of up to so many bytes lie together: objects, whose reference counts are written to, apart from bytecode. */
  SMALL_BLOCK = 128,
  FIRST_MEMORY = 1 << 20,
  /* Up to this size, blocks that were given back have a list for each size; list 0 has the larger ones. */
  BY_SIZE = 1024
};

struct area {
  uint8_t *next, *limit;
};

/* The first memory, at an address that is the same in every process: what lies in it at build time is a part of the program's file. */
struct image {
  /* What finds the rest again: struct program. NULL in a program that was started without an image. */
  void *root;
  struct free_block *free_blocks[BY_SIZE / 8 + 1];
  struct area small, large;
  _Alignas(4096) uint8_t bytes[FIRST_MEMORY];
};

extern struct image image;

/* Begins an empty image; its first bytes, whole pages, are for small blocks. */
void arena_start(size_t small);

/* Has memory that will be written to made at once: that costs a third of a fault for each page. Optional. */
void arena_fill(const uint8_t *from, const uint8_t *to);

/* 8-byte aligned memory, or NULL. */
void *arena_take(size_t size);

/* How many bytes small blocks need, in whole pages: what arena_start() should have been told. */
size_t arena_small_size(void);

/* Of the image with what is in use of it; 0: it did not hold all. */
size_t arena_image_size(void);

extern const JSMallocFunctions arena_functions;
