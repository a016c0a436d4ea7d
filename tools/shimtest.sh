#!/bin/sh
# Builds what tests the shim, with ASan and UBSan: `tools/shimtest.sh decoder|shim|fuzzer OUT`.
set -eu
cd "$(dirname "$0")/.."
what=$1 out=$2
mkdir -p "$(dirname "$out")"
cc=${CC:-cc}
new=$out.$$ # moved into place: another test may be running the old one
trap 'rm -f "$new"' EXIT
flags="-std=gnu11 -g -O1 -Wall -Wextra -fno-strict-aliasing -fno-sanitize-recover=all -ffreestanding -DHOSTED"
shim=$(ls shim/*.c | grep -v '/start\.c$')
case $what in
  decoder) $cc $flags -fsanitize=address,undefined -o "$new" test/shim/decoder.c shim/plan.c ;;
  shim) $cc $flags -fsanitize=address,undefined -o "$new" $shim ;;
  fuzzer) clang $flags -DFUZZER -fsanitize=fuzzer,address,undefined -o "$new" test/shim/decoder.c shim/plan.c ;;
esac
mv "$new" "$out"
