#define _GNU_SOURCE
#include "arena.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Before every block: its size. The last block of an area can grow in place and be given back. */
struct header {
  size_t size;
};

struct free_block {
  struct free_block *next;
};

enum { MORE = 256 << 10, MORE_SMALL = 64 << 10 };

struct image image;

static struct header *header_of(const void *block)
{
  return (struct header *)(uintptr_t)block - 1;
}

static size_t rounded(size_t size)
{
  return size < 8 ? 8 : (size + 7) & ~(size_t)7;
}

static struct area *area_for(size_t size)
{
  return size <= SMALL_BLOCK ? &image.small : &image.large;
}

void arena_start(size_t small)
{
  image.small = (struct area){image.bytes, image.bytes + small};
  image.large = (struct area){image.bytes + small, image.bytes + sizeof image.bytes};
}

/* Linux 5.14; older ones answer EINVAL. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void arena_fill(const uint8_t *from, const uint8_t *to)
{
  /* Of arm64 there are kernels with pages of 16 and of 64 KiB. */
  uintptr_t start = (uintptr_t)from & -(uintptr_t)getpagesize();
  madvise((void *)start, (uintptr_t)to - start, MADV_POPULATE_WRITE);
}

static void *take_again(size_t size)
{
  if (size <= BY_SIZE) {
    struct free_block *block = image.free_blocks[size / 8];
    if (block != NULL) image.free_blocks[size / 8] = block->next;
    return block;
  }
  /* A few: what tables left behind that grew. */
  for (struct free_block **at = &image.free_blocks[0]; *at != NULL; at = &(*at)->next) {
    struct free_block *block = *at;
    size_t found = header_of(block)->size;
    if (found < size || found / 2 > size) continue;
    *at = block->next;
    return block;
  }
  return NULL;
}

/* Small blocks go on in a piece of the large area; when that is full, too, in new memory. */
static bool enlarge(struct area *area, size_t whole)
{
  struct area *large = &image.large;
  if (area == &image.small && (size_t)(large->limit - large->next) >= MORE_SMALL) {
    *area = (struct area){large->next, large->next + MORE_SMALL};
    large->next += MORE_SMALL;
    arena_fill(area->next, area->limit);
    return true;
  }
  size_t chunk = whole > MORE ? whole : MORE;
  uint8_t *more = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (more == MAP_FAILED) return false;
  *area = (struct area){more, more + chunk};
  return true;
}

void *arena_take(size_t size)
{
  if (size > PTRDIFF_MAX / 2) return NULL;
  size = rounded(size);
  void *again = take_again(size);
  if (again != NULL) return again;
  size_t whole = size + sizeof(struct header);
  struct area *area = area_for(size);
  if (whole > (size_t)(area->limit - area->next) && !enlarge(area, whole)) return NULL;
  struct header *header = (struct header *)(void *)area->next;
  header->size = size;
  area->next += whole;
  return header + 1;
}

size_t arena_small_size(void)
{
  return (size_t)(image.small.next - image.bytes + 4095) & ~(size_t)4095;
}

size_t arena_image_size(void)
{
  const uint8_t *end = image.bytes + sizeof image.bytes;
  bool held = image.large.limit == end && image.small.limit <= image.large.next && image.small.next > image.bytes;
  return held ? (size_t)(image.large.next - (uint8_t *)&image) : 0;
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
  struct area *area = area_for(header->size);
  if ((uint8_t *)block + header->size == area->next) {
    area->next = (uint8_t *)header;
  } else {
    struct free_block *freed = block;
    struct free_block **list = &image.free_blocks[header->size <= BY_SIZE ? header->size / 8 : 0];
    freed->next = *list;
    *list = freed;
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
  struct area *area = area_for(header->size);
  if (size < PTRDIFF_MAX / 2 && area == area_for(size) && (uint8_t *)block + header->size == area->next &&
      rounded(size) <= (size_t)(area->limit - (uint8_t *)block)) {
    header->size = rounded(size);
    area->next = (uint8_t *)block + header->size;
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
