#include "text.h"

#include <string.h>

/*
 * Reads one sequence (Unicode 15, table 3-7). Returns its length; when it is ill-formed, the length of its longest
 * well-formed beginning (at least 1), negated: that is what one U+FFFD stands for.
 */
static int sequence(const uint8_t *p, size_t left)
{
  uint8_t lead = p[0];
  if (lead < 0x80) return 1;
  int length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (length == 0) return -1;
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (int i = 1; i < length; i++) {
    if ((size_t)i >= left || p[i] < low || p[i] > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

bool text_is_valid(const uint8_t *bytes, size_t length)
{
  for (size_t i = 0; i < length;) {
    int step = sequence(bytes + i, length - i);
    if (step < 0) return false;
    i += (size_t)step;
  }
  return true;
}

size_t text_clean(const uint8_t *bytes, size_t length, char *out)
{
  size_t at = 0;
  for (size_t i = 0; i < length;) {
    int step = sequence(bytes + i, length - i);
    size_t width = (size_t)(step < 0 ? -step : step);
    if (step < 0) {
      memcpy(out + at, "\xef\xbf\xbd", 3);
      at += 3;
    } else {
      memcpy(out + at, bytes + i, width);
      at += width;
    }
    i += width;
  }
  return at;
}

void text_replace_surrogates(uint8_t *bytes, size_t length)
{
  for (uint8_t *p = bytes; (p = memchr(p, 0xed, length - (size_t)(p - bytes))) != NULL;) {
    if ((size_t)(p - bytes) + 3 > length) return;
    if (p[1] >= 0xa0) memcpy(p, "\xef\xbf\xbd", 3);
    p += 3;
  }
}
