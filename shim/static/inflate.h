/* Reads "deflate" (RFC 1951), which Node's zlib writes at build time: parts that few runs load lie in the file compressed. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False unless `from` is one whole stream of exactly `room` bytes. Damaged input is refused, never followed. */
bool inflate(const uint8_t *from, size_t length, uint8_t *out, size_t room);
