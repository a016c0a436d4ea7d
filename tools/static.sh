#!/bin/sh
# Builds the static form: tools/static.sh [DIR [OUT]], by default build/static and build/tsrun.
# DIR holds what tools/bundlejs.mjs wrote (boot.js, PART.js, parts.h); the shim is DIR/../tsrun-shim.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-build/static}
out=${2:-build/tsrun}
cc=${MUSL:-musl-gcc}
quickjs=$(tools/quickjs.sh)

# Non-PIE: relocating costs 0.1 ms. Everything in one read-only segment: fewer pages to map.
# SANITIZE=1: our C ends where its behaviour would be undefined (musl has no library that could tell more).
set -- ${SANITIZE:+-fsanitize=undefined -fsanitize-undefined-trap-on-error} -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Werror -O2 -static -fno-pie -no-pie \
  -fstack-protector-strong -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
  -isystem "$quickjs/include" \
  -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code -Wl,-z,norelro -s

if [ ! "$dir/compile" -nt shim/static/compile.c ] || [ ! "$dir/compile" -nt tools/quickjs.sh ]; then
  "$cc" "$@" -o "$dir/compile" shim/static/compile.c shim/static/fortify.c "$quickjs/libquickjs.a" -lm
fi
for js in "$dir"/*.js; do
  "$dir/compile" "$js" "${js%.js}.bc"
done
node tools/pack.mjs "$dir"
"$cc" "$@" -I"$dir" -Wa,-I"$dir" -Wa,-I"$dir/.." -o "$dir/start" \
  shim/static/main.c shim/static/program.c shim/static/image.c shim/static/parts.c shim/static/native.c shim/static/glue.c \
  shim/static/arena.c shim/static/inflate.c shim/static/text.c shim/static/fortify.c "$quickjs/libquickjs.a" -lm
node tools/image.mjs "$dir/start" "$dir" "$out"
