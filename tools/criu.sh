#!/bin/sh
# Prints the directory of a criu that works on this kernel, for the tests: put it before PATH.
#
#   tools/criu.sh [CACHE]        CACHE: default ${XDG_CACHE_HOME:-~/.cache}/tsrun
#
# 1. criu of this system, where it fits the kernel;
# 2. else that of Debian unstable or Ubuntu 26.04, fetched by apt (which verifies it) with a private configuration (tools/apt.sh),
#    beside the libraries of its release. On Linux 6.18 3.17 (Debian 12) does not start, and 4.1 (Debian 13) cannot dump TCP sockets; 4.2 does both.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${XDG_CACHE_HOME:-${HOME:-$here/../build}/.cache}/tsrun}

fail() {
  echo "criu: $1" >&2
  exit 1
}

# Since Linux 6.16 only Unix sockets have SO_PASSCRED, and a criu before 4.2 wants it of all: `criu check` does not see that.
is_before() {
  [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

works() {
  # Without root it cannot tell.
  [ -x "$1" ] && { [ "$(id -u)" -ne 0 ] || "$1" check > /dev/null 2>&1; } || return 1
  is_before "$(uname -r)" 6.16 || ! is_before "$("$1" --version | sed -n 's/^Version: //p')" 4.2
}

own=$(PATH=$PATH:/usr/sbin:/sbin command -v criu || :)
if [ -n "$own" ] && works "$own"; then
  dirname "$own"
  exit 0
fi

dir=$cache/criu-newest
if works "$dir/criu"; then
  echo "$dir"
  exit 0
fi

command -v apt-get > /dev/null || fail "install a criu that \`criu check\` is content with"
mkdir -p "$cache"
work=$(mktemp -d "$cache/criu.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/new" "$work/new/root"
cd "$work"
"$here/apt.sh" "$work/apt" deb newest update > log 2>&1 || fail "$(tail -n 1 log)"

# criu and all libraries that it needs, of its own release.
todo=criu
seen=' '
while [ -n "$todo" ]; do
  next=
  for package in $todo; do
    case $seen in *" $package "*) continue ;; esac
    seen="$seen$package "
    "$here/apt.sh" "$work/apt" deb newest download "$package" > log 2>&1 || fail "$(tail -n 1 log)"
    file=$(echo "$package"_*.deb)
    dpkg-deb -x "$file" new/root
    next="$next $(dpkg-deb -f "$file" Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ |:(]*\).*/\1/p')"
    rm "$file"
  done
  todo=$(echo $next)
done

# Its own loader, named here and not by a variable: what criu itself starts (tar, iptables) is this system's.
libc=$(cd new && find root/usr/lib -name libc.so.6 | head -n 1)
libraries=${libc%/*}
loader=$(cd new && find "$libraries" -name 'ld-linux-*.so.*' | head -n 1)
[ -n "$loader" ] || fail "there is no loader beside $libc"
cat > new/criu << END
#!/bin/sh
exec "$dir/$loader" --library-path "$dir/$libraries" "$dir/root/usr/sbin/criu" "\$@"
END
chmod +x new/criu
rm -rf new/root/usr/share
# The directory appears at once and complete; of two that make it at the same time either may win.
[ ! -d "$dir" ] || works "$dir/criu" || rm -rf "$dir"
mv -T new "$dir" 2> /dev/null || [ -x "$dir/criu" ]
works "$dir/criu" || fail "$("$dir/criu" check 2>&1 | tail -n 1)"
echo "$dir"
