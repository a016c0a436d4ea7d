#define _GNU_SOURCE
#include "arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Before every block: its size. The last block can grow in place and be given back; small ones wait in lists by size. */
struct header {
  size_t size;
};

struct free_block {
  struct free_block *next;
};

enum { FIRST = 256 << 10, MORE = 256 << 10, SMALL = 1024 };

static struct free_block *free_blocks[SMALL / 8 + 1];

static _Alignas(4096) uint8_t first[FIRST];
static uint8_t *next = first, *limit = first + FIRST;

static struct header *header_of(const void *block)
{
  return (struct header *)(uintptr_t)block - 1;
}

static size_t rounded(size_t size)
{
  return size < 8 ? 8 : (size + 7) & ~(size_t)7;
}

/* Linux 5.14; older ones answer EINVAL and fill the pages one by one. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void arena_start(void)
{
  madvise(first, sizeof first, MADV_POPULATE_WRITE);
}

void *arena_take(size_t size)
{
  if (size > PTRDIFF_MAX / 2) return NULL;
  size = rounded(size);
  if (size <= SMALL && free_blocks[size / 8] != NULL) {
    struct free_block *block = free_blocks[size / 8];
    free_blocks[size / 8] = block->next;
    return block;
  }
  size_t whole = size + sizeof(struct header);
  if (whole > (size_t)(limit - next)) {
    size_t chunk = whole > MORE ? whole : MORE;
    /* Most of it will be used: one call that fills it costs a third of a fault for each page. */
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    uint8_t *more = mmap(NULL, chunk, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (more == MAP_FAILED) return NULL;
    next = more;
    limit = more + chunk;
  }
  struct header *header = (struct header *)(void *)next;
  header->size = size;
  next += whole;
  return header + 1;
}

static void *take(JSMallocState *state, size_t size)
{
  (void)state;
  return arena_take(size);
}

static void drop(JSMallocState *state, void *block)
{
  (void)state;
  if (block == NULL) return;
  struct header *header = header_of(block);
  if ((uint8_t *)block + header->size == next) {
    next = (uint8_t *)header;
  } else if (header->size <= SMALL) {
    struct free_block *freed = block;
    freed->next = free_blocks[header->size / 8];
    free_blocks[header->size / 8] = freed;
  }
}

static void *retake(JSMallocState *state, void *block, size_t size)
{
  if (block == NULL) return arena_take(size);
  if (size == 0) {
    drop(state, block);
    return NULL;
  }
  struct header *header = header_of(block);
  if (size <= header->size) return block;
  if ((uint8_t *)block + header->size == next && size < PTRDIFF_MAX / 2 &&
      rounded(size) <= (size_t)(limit - (uint8_t *)block)) {
    header->size = rounded(size);
    next = (uint8_t *)block + header->size;
    return block;
  }
  void *moved = arena_take(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, header->size);
  drop(state, block);
  return moved;
}

static size_t usable(const void *block)
{
  return block == NULL ? 0 : header_of(block)->size;
}

const JSMallocFunctions arena_functions = {take, drop, retake, usable};
