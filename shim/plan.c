/*
 * Reads a plan and checks every byte of it that will be used, before anything is done. After `check_plan` said yes,
 * the ops may use their fields without looking: offsets lie in the blob, strings end, enums and flags are known.
 */
#define OP_TABLES
#include "shim.h"

static uint32_t word(const uint8_t *at) { return *(const uint32_t *)(const void *)at; }
static uint64_t field_value(const uint8_t *at) { return *(const uint64_t *)(const void *)at; }

static int has_nul(const uint8_t *bytes, uint32_t length) {
  for (uint32_t i = 0; i < length; i++)
    if (bytes[i] == 0) return 1;
  return 0;
}

/** A string: its NUL lies in the blob too, and there is none before. */
static int string_is_good(const struct plan *plan, uint32_t at, uint32_t length) {
  uint64_t end = (uint64_t)at + length;
  return end < plan->blob_length && plan->blob[end] == 0 && !has_nul(plan->blob + at, length);
}

static int range_is_good(const struct plan *plan, uint32_t at, uint32_t length, uint32_t alignment) {
  return (uint64_t)at + length <= plan->blob_length && at % alignment == 0 && length % alignment == 0;
}

/** A list of strings is empty or ends with a NUL; `count` grows by its strings and the NULL of its array. */
static int list_is_good(const struct plan *plan, uint32_t at, uint32_t length, uint32_t *count) {
  if (!range_is_good(plan, at, length, 1)) return 0;
  if (length > 0 && plan->blob[at + length - 1] != 0) return 0;
  for (uint32_t i = 0; i < length; i++)
    if (plan->blob[at + i] == 0) *count += 1;
  *count += 1;
  return 1;
}

static int enum_is_good(uint64_t value, unsigned table) {
  for (uint32_t i = 0; i < enum_rules[table].count; i++)
    if (enum_rules[table].values[i] == value) return 1;
  return 0;
}

static int field_is_good(const struct plan *plan, struct field_rule rule, const uint8_t *field, uint32_t *count) {
  uint64_t value = field_value(field);
  uint32_t at = word(field), length = word(field + 4);
  if (rule.optional && value == UINT64_MAX) return 1;
  switch ((enum kind)rule.kind) {
    case KIND_NONE: return 0;
    case KIND_U32: return value <= UINT32_MAX;
    case KIND_U64: return 1;
    case KIND_STR: return string_is_good(plan, at, length);
    case KIND_PATH: return string_is_good(plan, at, length) && plan->blob[at] == '/';
    case KIND_STRS: return list_is_good(plan, at, length, count);
    case KIND_U32S: return range_is_good(plan, at, length, 4);
    case KIND_BYTES: return range_is_good(plan, at, length, 8);
    case KIND_SLOT: return value < plan->slots;
    case KIND_FLAGS: return (value & ~flag_masks[rule.table]) == 0;
    case KIND_ENUM: return enum_is_good(value, rule.table);
  }
  return 0;
}

/** One record at `at`, of which `left` bytes remain. Returns its size, 0 when it is refused. */
static uint32_t check_record(struct plan *plan, const uint8_t *at, uint32_t left, uint32_t *refusal) {
  const struct record *record = (const struct record *)(const void *)at;
  *refusal = PLAN_RECORD;
  if (left < sizeof *record) return 0;
  uint32_t size = (uint32_t)sizeof *record + record->fields * 8U;
  if (size > left) return 0;
  for (unsigned i = 0; i < 4; i++)
    if (record->tolerated[i] > 4095) return 0;

  *refusal = PLAN_OPCODE;
  if (record->code >= sizeof op_rules / sizeof *op_rules) return 0;
  struct op_rule rule = op_rules[record->code];
  if (!rule.known || rule.fields != record->fields) return 0;

  *refusal = PLAN_FIELD;
  uint32_t count = 0;
  for (unsigned i = 0; i < rule.fields; i++)
    if (!field_is_good(plan, field_rules[rule.first + i], at + sizeof *record + i * 8, &count)) return 0;
  if (count > plan->pointers) plan->pointers = count;
  return size;
}

int check_plan(const uint8_t *bytes, size_t length, struct plan *plan, uint32_t *refusal) {
  *refusal = PLAN_MAGIC;
  if (length < PLAN_HEADER || length > MAX_PLAN || memcmp(bytes, "TSRP", 4) != 0) return -1;
  *refusal = PLAN_BUILD_ID;
  if (word(bytes + 4) != BUILD_ID) return -1;
  *refusal = PLAN_LENGTH;
  plan->bytes = bytes;
  plan->length = word(bytes + 8);
  plan->count = word(bytes + 12);
  plan->records = word(bytes + 16);
  plan->slots = word(bytes + 20);
  if (plan->length != length || field_value(bytes + 24) != 0 || plan->slots > MAX_SLOTS) return -1;
  if (plan->records % 8 != 0 || plan->records > length - PLAN_HEADER) return -1;
  plan->blob = bytes + PLAN_HEADER + plan->records;
  plan->blob_length = plan->length - PLAN_HEADER - plan->records;
  plan->pointers = 0;

  uint32_t at = 0;
  for (uint32_t i = 0; i < plan->count; i++) {
    uint32_t size = check_record(plan, bytes + PLAN_HEADER + at, plan->records - at, refusal);
    if (size == 0) return -1;
    at += size;
  }
  *refusal = PLAN_TRAILING;
  return at == plan->records ? 0 : -1;
}

#ifdef HOSTED
/* Exactly as long as the plan, so that the sanitizer sees a byte beyond. */
void *malloc(size_t size);
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; } /* nothing is ever freed here */
static void *plan_memory(size_t size) { return malloc(size); }
static int protect(void *memory, size_t size) { return memory != NULL && size != 0 ? 0 : -EINVAL; }
#else
static void *plan_memory(size_t size) {
  long at = sys_long(mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at < 0 && at > -4096 ? NULL : (void *)at;
}
static int protect(void *memory, size_t size) { return sys(mprotect, memory, size, PROT_READ); }
#endif

/* Copied rather than mapped: nobody who holds the file can change what was checked. */
int read_plan(int fd, const uint8_t **bytes, size_t *length) {
  struct stat stat;
  int error = sys(fstat, fd, &stat);
  if (error < 0) return error;
  if (stat.st_size < PLAN_HEADER || stat.st_size > MAX_PLAN) return -EFBIG;
  size_t size = (size_t)stat.st_size;
  uint8_t *memory = plan_memory(size);
  if (memory == NULL) return -ENOMEM;
  for (size_t at = 0; at < size;) {
    long got = sys_long(pread64, fd, memory + at, size - at, at);
    if (got <= 0) return got < 0 ? (int)got : -EIO;
    at += (size_t)got;
  }
  *bytes = memory;
  *length = size;
  return protect(memory, size);
}

char **spread(struct ref list, char **into) {
  const char *at = text(list), *end = at + list.length;
  while (at < end) {
    *into++ = (char *)(uintptr_t)at; /* execve(2) wants char *const[], and changes nothing */
    at += strlen(at) + 1;
  }
  *into++ = NULL;
  return into;
}

int keep(uint64_t n, int fd) {
  if (fd < 0) return fd;
  drop(n);
  shim.slots[n] = fd;
  return 0;
}

void drop(uint64_t n) {
  close_fd(shim.slots[n]);
  shim.slots[n] = -1;
}
