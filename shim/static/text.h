/* UTF-8 as the WHATWG decoder and encoder have it, so that both engines see the same strings. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_is_valid(const uint8_t *bytes, size_t length);

/* Copies with every ill-formed sequence replaced by U+FFFD; `out` has room for 3 * length. Returns the new length. */
size_t text_clean(const uint8_t *bytes, size_t length, char *out);

/* Overwrites lone surrogates (three bytes each, ED A0..BF xx) by U+FFFD. */
void text_replace_surrogates(uint8_t *bytes, size_t length);
