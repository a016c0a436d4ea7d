#!/bin/sh
# Builds what tests the shim, with ASan and UBSan: `tools/shimtest.sh decoder|shim|fuzzer OUT`.
set -eu
cd "$(dirname "$0")/.."
what=$1 out=$2
mkdir -p "$(dirname "$out")"
cc=${CC:-cc}
flags="-std=gnu11 -g -O1 -Wall -Wextra -fno-strict-aliasing -fno-sanitize-recover=all -ffreestanding -DHOSTED"
shim=$(ls shim/*.c | grep -v '/start\.c$')
case $what in
  decoder) exec $cc $flags -fsanitize=address,undefined -o "$out" test/shim/decoder.c shim/plan.c ;;
  shim) exec $cc $flags -fsanitize=address,undefined -o "$out" $shim ;;
  fuzzer) exec clang $flags -DFUZZER -fsanitize=fuzzer,address,undefined -o "$out" test/shim/decoder.c shim/plan.c ;;
esac
