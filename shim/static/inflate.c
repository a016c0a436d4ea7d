#include "inflate.h"

#include <string.h>

/* RFC 1951, 3.2.5 to 3.2.7. */
enum { LITERALS = 288, DISTANCES = 32, LENGTH_CODES = 19, LONGEST = 15, END_OF_BLOCK = 256, QUICK = 10 };

struct stream {
  const uint8_t *next, *end;
  uint64_t bits;
  unsigned held;
  uint8_t *out, *at, *limit;
};

/* A Huffman code: codes of up to QUICK bits by one look into a table, longer ones bit by bit. */
struct code {
  /* By the next QUICK bits: length << 9 | symbol; 0: a longer code, or none. */
  uint16_t quick[1 << QUICK];
  /* How many codes there are of each length, and their symbols in order. */
  uint16_t count[LONGEST + 1], symbol[LITERALS];
};

/* Has 48 bits at hand, which is a length with a distance; zeros follow the end, and are noticed by `take`. */
static void fill(struct stream *s)
{
  while (s->held <= 56 && s->next < s->end) {
    s->bits |= (uint64_t)*s->next++ << s->held;
    s->held += 8;
  }
}

static bool take(struct stream *s, unsigned width, unsigned *value)
{
  fill(s);
  if (width > s->held) return false;
  *value = (unsigned)(s->bits & ((1U << width) - 1));
  s->bits >>= width;
  s->held -= width;
  return true;
}

static bool make_code(struct code *code, const uint8_t *lengths, unsigned symbols)
{
  *code = (struct code){0};
  for (unsigned i = 0; i < symbols; i++) code->count[lengths[i]]++;
  code->count[0] = 0;
  uint16_t place[LONGEST + 2] = {0};
  uint32_t first[LONGEST + 2] = {0};
  for (unsigned width = 1; width <= LONGEST; width++) {
    place[width + 1] = (uint16_t)(place[width] + code->count[width]);
    first[width + 1] = (first[width] + code->count[width]) << 1;
    if (first[width] + code->count[width] > 1U << width) return false;
  }
  for (unsigned i = 0; i < symbols; i++) {
    unsigned width = lengths[i];
    if (width == 0) continue;
    code->symbol[place[width]++] = (uint16_t)i;
    unsigned value = first[width]++, turned = 0;
    if (width > QUICK) continue;
    for (unsigned bit = 0; bit < width; bit++) turned |= (value >> bit & 1) << (width - 1 - bit);
    for (unsigned at = turned; at < 1 << QUICK; at += 1U << width) code->quick[at] = (uint16_t)(width << 9 | i);
  }
  return true;
}

static bool take_symbol(struct stream *s, const struct code *code, unsigned *symbol)
{
  fill(s);
  unsigned quick = code->quick[s->bits & ((1U << QUICK) - 1)];
  unsigned width = quick >> 9;
  if (quick != 0) {
    *symbol = quick & 511;
  } else {
    unsigned value = 0, first = 0, place = 0;
    for (width = 1;; width++) {
      if (width > LONGEST) return false;
      value |= (unsigned)(s->bits >> (width - 1)) & 1;
      if (value - first < code->count[width]) break;
      place += code->count[width];
      first = (first + code->count[width]) << 1;
      value <<= 1;
    }
    *symbol = code->symbol[place + value - first];
  }
  if (width > s->held) return false;
  s->bits >>= width;
  s->held -= width;
  return true;
}

/* Lengths begin at 3 and distances at 1; every `step` codes there is one more extra bit. */
static bool take_extra(struct stream *s, unsigned code, unsigned step, unsigned base, unsigned *value)
{
  unsigned width = code < 2 * step ? 0 : code / step - 1;
  if (width == 0) {
    *value = base + code;
    return true;
  }
  if (!take(s, width, value)) return false;
  *value += base + ((step + code % step) << width);
  return true;
}

static bool copy_block(struct stream *s, const struct code *literals, const struct code *distances)
{
  for (;;) {
    unsigned symbol = 0, length = 258, distance = 0;
    if (!take_symbol(s, literals, &symbol)) return false;
    if (symbol == END_OF_BLOCK) return true;
    if (symbol < END_OF_BLOCK) {
      if (s->at == s->limit) return false;
      *s->at++ = (uint8_t)symbol;
      continue;
    }
    if (symbol > 285 || (symbol < 285 && !take_extra(s, symbol - 257, 4, 3, &length))) return false;
    if (!take_symbol(s, distances, &symbol) || symbol > 29 || !take_extra(s, symbol, 2, 1, &distance)) return false;
    if (distance > (size_t)(s->at - s->out) || length > (size_t)(s->limit - s->at)) return false;
    for (; length > 0; length--, s->at++) *s->at = *(s->at - distance);
  }
}

static bool stored_block(struct stream *s)
{
  unsigned length = 0, check = 0, skipped = 0;
  if (!take(s, s->held % 8, &skipped) || !take(s, 16, &length) || !take(s, 16, &check)) return false;
  if ((length ^ check) != 0xffff || length > (size_t)(s->limit - s->at)) return false;
  for (; length > 0; length--) {
    unsigned byte = 0;
    if (!take(s, 8, &byte)) return false;
    *s->at++ = (uint8_t)byte;
  }
  return true;
}

static bool fixed_block(struct stream *s)
{
  struct code literals, distances;
  uint8_t lengths[LITERALS];
  memset(lengths, 8, 144);
  memset(lengths + 144, 9, 256 - 144);
  memset(lengths + 256, 7, 280 - 256);
  memset(lengths + 280, 8, LITERALS - 280);
  if (!make_code(&literals, lengths, LITERALS)) return false;
  memset(lengths, 5, DISTANCES);
  return make_code(&distances, lengths, DISTANCES) && copy_block(s, &literals, &distances);
}

/* The lengths of the codes, themselves in a code whose lengths come first. */
static bool dynamic_block(struct stream *s)
{
  static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  struct code literals, distances;
  uint8_t lengths[LITERALS + DISTANCES] = {0};
  unsigned literal_count = 0, distance_count = 0, count = 0, value = 0;
  if (!take(s, 5, &literal_count) || !take(s, 5, &distance_count) || !take(s, 4, &count)) return false;
  literal_count += 257;
  distance_count += 1;
  if (literal_count > LITERALS) return false;
  for (unsigned i = 0; i < count + 4; i++) {
    if (!take(s, 3, &value)) return false;
    lengths[order[i]] = (uint8_t)value;
  }
  if (!make_code(&literals, lengths, LENGTH_CODES)) return false;
  memset(lengths, 0, LENGTH_CODES);
  for (unsigned i = 0; i < literal_count + distance_count;) {
    unsigned symbol = 0, times = 1;
    if (!take_symbol(s, &literals, &symbol)) return false;
    if (symbol > 15) {
      if (!take(s, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, &times)) return false;
      times += symbol == 18 ? 11 : 3;
      if (symbol == 16 && i == 0) return false;
      symbol = symbol == 16 ? lengths[i - 1] : 0;
    }
    if (times > literal_count + distance_count - i) return false;
    for (; times > 0; times--) lengths[i++] = (uint8_t)symbol;
  }
  return make_code(&literals, lengths, literal_count) &&
         make_code(&distances, lengths + literal_count, distance_count) && copy_block(s, &literals, &distances);
}

bool inflate(const uint8_t *from, size_t length, uint8_t *out, size_t room)
{
  struct stream s = {.next = from, .end = from + length, .out = out, .at = out, .limit = out + room};
  unsigned last = 0, kind = 0;
  while (last == 0) {
    if (!take(&s, 1, &last) || !take(&s, 2, &kind)) return false;
    bool good = kind == 0 ? stored_block(&s) : kind == 1 ? fixed_block(&s) : kind == 2 && dynamic_block(&s);
    if (!good) return false;
  }
  return s.at == s.limit && s.next == s.end && s.held < 8;
}
