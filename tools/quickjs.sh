#!/bin/sh
# Provides QuickJS for the static form and prints the directory that holds include/ and libquickjs.a.
#
#   tools/quickjs.sh [CACHE]     CACHE: default ${XDG_CACHE_HOME:-~/.cache}/tsrun
#
# 1. the package libquickjs, where it is installed in the version this project is written for;
# 2. else the source package of Debian 13 or Ubuntu 26.04, fetched by apt (which verifies it) from the system's own mirror with a
#    private configuration (tools/apt.sh). Built with musl-gcc, 20 s. TSRUN_QUICKJS=source passes over the package.
set -eu

version=2025.04.26
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${XDG_CACHE_HOME:-${HOME:-$here/../build}/.cache}/tsrun}

fail() {
  echo "quickjs: $1" >&2
  exit 1
}

need() {
  command -v "$1" > /dev/null || fail "$1 is missing: apt-get install $2"
}

packaged() {
  [ "${TSRUN_QUICKJS:-}" != source ] || return 1
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Version}' libquickjs 2> /dev/null) || return 1
  case $installed in "ii "$version-*) ;; *) return 1 ;; esac
  library=$(dpkg -L libquickjs | grep '/libquickjs\.a$') || return 1
  [ -f /usr/include/quickjs/quickjs.h ] && [ -f "$library" ]
}

# The library's bits depend on this script and on the compiler.
mark=$({ cat "$here/quickjs.sh"; musl-gcc -dumpfullversion -dumpmachine 2> /dev/null || :; } | cksum | cut -d ' ' -f 1)

if packaged; then
  dir=$cache/quickjs-${installed#ii }-package
  if [ ! -f "$dir/libquickjs.a" ]; then
    mkdir -p "$dir/include"
    ln -sfn /usr/include/quickjs "$dir/include/quickjs"
    # Its tables for unwinding, which a C program never does, would be 73 KB of the binary.
    objcopy --remove-section=.eh_frame --remove-section=.rela.eh_frame "$library" "$dir/new.$$"
    mv "$dir/new.$$" "$dir/libquickjs.a"
  fi
  echo "$dir"
  exit 0
fi

dir=$cache/quickjs-$version-$mark
if [ -f "$dir/libquickjs.a" ]; then
  echo "$dir"
  exit 0
fi

command -v apt-get > /dev/null ||
  fail "needs apt: neither the package libquickjs $version nor its source package can be had here"
need musl-gcc musl-tools
need dpkg-source dpkg-dev
mkdir -p "$cache"
work=$(mktemp -d "$cache/quickjs.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/src" "$work/out/include/quickjs"

quietly() {
  "$@" > "$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "failed: $*"
  }
}

echo "quickjs: fetching the source package quickjs $version" >&2
quietly "$here/apt.sh" "$work" deb-src stable update
cd "$work/src"
quietly "$here/apt.sh" "$work" deb-src stable source quickjs
[ -d "quickjs-$version" ] || fail "apt has another version of quickjs than $version: $(ls)"

echo "quickjs: building (about 20 s, once)" >&2
cd "$work/src/quickjs-$version"
# What no ordinary run calls is compiled to be small. Aligned code and functions that were not declared inline would make
# the interpreter larger by 110 KB of 670, and nothing faster.
for unit in quickjs cutils dtoa libregexp libunicode; do
  case $unit in
    quickjs | cutils) speed='-O2 -fno-inline-small-functions' ;;
    *) speed=-Os ;;
  esac
  # shellcheck disable=SC2086 # two words
  quietly musl-gcc -c $speed -fno-align-functions -fno-align-jumps -fno-align-loops -fno-align-labels \
    -fwrapv -fno-pie -fno-asynchronous-unwind-tables -fno-stack-protector -ffunction-sections -fdata-sections \
    -D_GNU_SOURCE -DCONFIG_VERSION="\"$version\"" -o "$unit.o" "$unit.c"
done
quietly ar rcs "$work/out/libquickjs.a" quickjs.o dtoa.o libregexp.o libunicode.o cutils.o
cp quickjs.h "$work/out/include/quickjs/"
cp LICENSE "$work/out/"
# The directory appears at once and complete; of two builds at the same time either may win.
mv -T "$work/out" "$dir" 2> /dev/null || [ -f "$dir/libquickjs.a" ]
echo "$dir"
