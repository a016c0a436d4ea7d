/* Puts a file into the program: bytes from `symbol` to `symbol_end`. */
#include <stdint.h>

#define INCBIN(symbol, file)                                                                        \
  __asm__(".section .rodata." #symbol ",\"a\"\n.balign 16\n.global " #symbol "\n" #symbol ":\n"     \
          ".incbin \"" file "\"\n.global " #symbol "_end\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern const uint8_t symbol[], symbol##_end[]
