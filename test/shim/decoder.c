/*
 * The decoder of the shim by itself, for sanitizers: `decoder cases FILE` prints a verdict for each plan in a file (u32 length, bytes,
 * …), `decoder print FILE` also what the ops would read of a good one, `decoder fuzz ROUNDS FILE` mutates them from a fixed seed. With -DFUZZER it is a libFuzzer target.
 */
#define OP_TABLES
#include "../../shim/shim.h"

/* By hand: the C library's headers and the kernel's do not mix. */
void *malloc(size_t size);
void free(void *memory);
_Noreturn void abort(void);
int printf(const char *format, ...);
unsigned long strtoul(const char *text, char **end, int base);

struct shim shim;

static volatile uint64_t sink;

static void use_string(struct ref ref) {
  if (strlen(text(ref)) != ref.length) abort();
}

/** Touches a field exactly as the ops do: whatever check_plan let through must be safe. */
static void use_field(struct field_rule rule, const uint64_t *field, char **pointers) {
  struct ref ref;
  memcpy(&ref, field, sizeof ref);
  if (rule.optional && *field == UINT64_MAX) return;
  uint64_t sum = 0;
  switch ((enum kind)rule.kind) {
    case KIND_STR:
    case KIND_PATH: use_string(ref); break;
    case KIND_STRS: {
      char **end = spread(ref, pointers);
      for (char **at = pointers; at < end - 1; at++) sum += strlen(*at);
      break;
    }
    case KIND_U32S:
      for (uint32_t i = 0; i < ref.length / 4; i++) sum += ((const uint32_t *)(const void *)text(ref))[i];
      break;
    case KIND_BYTES:
      for (uint32_t i = 0; i < ref.length / 8; i++) sum += ((const uint64_t *)(const void *)text(ref))[i];
      break;
    case KIND_SLOT: sum += (uint64_t)slot(*field); break;
    case KIND_U32:
      if (*field > UINT32_MAX) abort();
      break;
    case KIND_FLAGS:
      if ((*field & ~flag_masks[rule.table]) != 0) abort();
      break;
    case KIND_NONE: abort();
    case KIND_U64:
    case KIND_ENUM: break;
  }
  sink = sum;
}

static void print_hex(const char *at, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) printf("%02x", (unsigned)(uint8_t)at[i]);
}

/** A field as its op reads it: `#` number, `"` text, `[` list of texts, `(` list of numbers, `<` bytes, `-` nothing. */
static void print_field(struct field_rule rule, const uint64_t *field, char **pointers) {
  struct ref ref;
  memcpy(&ref, field, sizeof ref);
  if (rule.optional && *field == UINT64_MAX) {
    printf(" -");
    return;
  }
  switch ((enum kind)rule.kind) {
    case KIND_STR:
    case KIND_PATH:
      printf(" \"");
      print_hex(text(ref), (uint32_t)strlen(text(ref)));
      return;
    case KIND_STRS: {
      char **end = spread(ref, pointers);
      printf(" [");
      for (char **at = pointers; at < end - 1; at++) {
        print_hex(*at, (uint32_t)strlen(*at));
        printf(",");
      }
      return;
    }
    case KIND_U32S:
      printf(" (");
      for (uint32_t i = 0; i < ref.length / 4; i++) printf("%u,", ((const uint32_t *)(const void *)text(ref))[i]);
      return;
    case KIND_BYTES:
      printf(" <");
      print_hex(text(ref), ref.length);
      return;
    case KIND_NONE: abort();
    case KIND_SLOT:
    case KIND_U32:
    case KIND_FLAGS:
    case KIND_U64:
    case KIND_ENUM: printf(" #%llu", (unsigned long long)*field); return;
  }
}

static int printing;

/** -1 when the plan is good, else why it was refused. */
static int judge(const uint8_t *data, size_t size) {
  uint32_t refusal = 0;
  uint8_t *bytes = malloc(size > 0 ? size : 1); /* exactly as long, so that the sanitizer sees a byte beyond */
  memcpy(bytes, data, size);
  memset(&shim.plan, 0, sizeof shim.plan);
  int good = check_plan(bytes, size, &shim.plan, &refusal) == 0;
  if (good) {
    char **pointers = malloc((shim.plan.pointers + 1) * sizeof *pointers);
    const uint8_t *at = bytes + PLAN_HEADER;
    for (uint32_t i = 0; i < shim.plan.count; i++) {
      const struct record *record = (const struct record *)(const void *)at;
      struct op_rule rule = op_rules[record->code];
      const uint64_t *fields = (const uint64_t *)(const void *)(record + 1);
      for (unsigned f = 0; f < rule.fields; f++) use_field(field_rules[rule.first + f], fields + f, pointers);
      if (printing) {
        const uint16_t *errors = record->tolerated;
        printf("%u %u %u,%u,%u,%u", record->index, record->code, errors[0], errors[1], errors[2], errors[3]);
        for (unsigned f = 0; f < rule.fields; f++) print_field(field_rules[rule.first + f], fields + f, pointers);
        printf("\n");
      }
      at += sizeof *record + record->fields * 8U;
    }
    free(pointers);
  }
  free(bytes);
  return good ? -1 : (int)refusal;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  judge(data, size);
  return 0;
}

#ifndef FUZZER
static uint64_t state = 0x9e3779b97f4a7c15;
static uint32_t random_below(uint32_t limit) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 20) % limit;
}

static void put(uint8_t *bytes, size_t size, uint32_t at, uint32_t value) {
  if (at + 4 <= size) memcpy(bytes + at, &value, 4);
}

/** One change. Most keep the length in the header true, or nothing behind the header would ever be reached. */
static size_t mutate(uint8_t *bytes, size_t size) {
  static const uint32_t words[] = {0, 1, 7, 8, 255, 256, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
  uint32_t at = random_below((uint32_t)size);
  switch (random_below(5)) {
    case 0: bytes[at] ^= (uint8_t)(1U << random_below(8)); break;
    case 1: bytes[at] = (uint8_t)random_below(256); break;
    case 2: put(bytes, size, at & ~3U, words[random_below(sizeof words / sizeof *words)]); break;
    case 3: put(bytes, size, at & ~3U, random_below((uint32_t)size * 2)); break;
    default: size = at + 1; break;
  }
  if (random_below(8) != 0) put(bytes, size, 8, (uint32_t)size);
  return size;
}

static uint8_t *load(const char *path, size_t *size) {
  struct stat stat;
  int fd = sys(openat, AT_FDCWD, path, O_RDONLY);
  if (fd < 0 || sys(fstat, fd, &stat) < 0) abort();
  *size = (size_t)stat.st_size;
  uint8_t *bytes = malloc(*size);
  for (size_t at = 0; at < *size;) {
    int got = sys(read, fd, bytes + at, *size - at);
    if (got <= 0) abort();
    at += (size_t)got;
  }
  sys(close, fd);
  return bytes;
}

static void fuzz(const uint8_t *plan, uint32_t length, unsigned long rounds) {
  unsigned long good = 0;
  uint8_t *copy = malloc(length);
  for (unsigned long i = 0; i < rounds; i++) {
    size_t size = length;
    memcpy(copy, plan, length);
    for (uint32_t n = 1 + random_below(4); n > 0; n--) size = mutate(copy, size);
    good += judge(copy, size) == -1;
  }
  free(copy);
  printf("%lu of %lu mutants were good\n", good, rounds);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int is_fuzz = argv[1][0] == 'f';
  printing = argv[1][0] == 'p';
  size_t size = 0;
  uint8_t *all = load(argv[argc - 1], &size);
  for (size_t at = 0; at + 4 <= size;) {
    uint32_t length;
    memcpy(&length, all + at, 4);
    at += 4;
    if (is_fuzz) fuzz(all + at, length, strtoul(argv[2], NULL, 10));
    else printf("= %d\n" + (printing ? 0 : 2), judge(all + at, length));
    at += length;
  }
  free(all);
  return 0;
}
#endif
