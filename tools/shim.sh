#!/bin/sh
# Builds the shim: `tools/shim.sh [OUT [SOURCE…]]`, by default build/tsrun-shim of shim/*.c. CC may name gcc, clang or a
# cross compiler. SANITIZE=1: it ends where its behaviour would be undefined.
set -eu
cd "$(dirname "$0")/.."
out=${1:-build/tsrun-shim}
[ $# -gt 1 ] && shift || set -- shim/*.c
mkdir -p "$(dirname "$out")"
new=$out.$$ # moved into place: another test may be running the old one
trap 'rm -f "$new"' EXIT
${CC:-cc} -std=gnu11 -Os -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Werror \
  -ffreestanding -fno-strict-aliasing -fno-pie -fno-pic -fno-asynchronous-unwind-tables -fno-unwind-tables \
  -fstack-protector-strong -mstack-protector-guard=global \
  $(${CC:-cc} --version | grep -q clang || echo -fno-tree-loop-distribute-patterns) \
  -ffunction-sections -fdata-sections -nostdlib -static ${SANITIZE:+-fsanitize=undefined -fsanitize-undefined-trap-on-error} \
  -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,noseparate-code -Wl,--build-id=none -Wl,-s \
  -o "$new" "$@"
mv "$new" "$out"
