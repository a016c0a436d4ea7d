#!/bin/sh
# Installs the Debian packages that a make target needs and that are missing; without root it prints the line to type.
# Usage: tools/deps.sh run|build|lint|static|test|fuzz|bench|clients
# A target needs `want`; what it can do without (its tests are skipped, with a reason) is in `may`: not every release has it.
set -eu

lists_are_there() {
  [ -n "$(apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' 2> /dev/null | xargs -r ls 2> /dev/null)" ]
}

compile='gcc libc6-dev linux-libc-dev musl-tools'
# What tools/quickjs.sh needs: the package, or what fetches its source.
quickjs=dpkg-dev
if apt-cache policy libquickjs 2> /dev/null | grep -q 'Candidate: 2025\.04\.26-'; then
  quickjs=libquickjs
elif ! lists_are_there; then
  # Before the first apt-get update apt knows no candidates.
  case $(. /etc/os-release 2> /dev/null && echo "$ID $VERSION_ID") in
    'debian 13' | 'ubuntu 25.10' | 'ubuntu 26.04') quickjs=libquickjs ;;
  esac
fi
may=
case ${1:-} in
  build | lint) want=$compile ;;
  static) want="$compile $quickjs" ;;
  run) want="$compile busybox-static" ;;
  test)
    want="$compile $quickjs busybox-static libseccomp-dev libseccomp2 strace mount iproute2 procps"
    # The shells whose completions are executed; bash is there.
    may="golang-github-opencontainers-specs-dev zsh fish"
    # What criu calls is iptables; tools/criu.sh finds a newer criu where this one is too old for the kernel.
    [ "$(id -u)" -ne 0 ] || may="$may runc crun uidmap criu iptables"
    ;;
  fuzz) want="$compile $quickjs libseccomp-dev libseccomp2 clang libclang-rt-dev" ;;
  clients)
    want="$compile $quickjs busybox-static runc podman buildah conmon catatonit tini containerd docker.io"
    want="$want containernetworking-plugins netavark aardvark-dns iptables iproute2 uidmap slirp4netns fuse-overlayfs"
    # Newer releases have docker's client apart, and their netavark calls nft.
    may="docker-cli nftables"
    ;;
  bench) want="$compile $quickjs busybox-static runc crun" ;;
  *) echo "usage: $0 run|build|lint|static|test|fuzz|bench|clients" >&2; exit 2 ;;
esac

if [ "${TSRUN_NO_APT:-}" = 1 ] || ! command -v dpkg-query > /dev/null; then exit 0; fi
absent() {
  for package; do
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null || :) in
      ?i*) ;;
      *) printf ' %s' "$package" ;;
    esac
  done
}
available() {
  for package; do
    if apt-cache show "$package" 2> /dev/null | grep -q '^Package:'; then printf ' %s' "$package"; fi
  done
}
# shellcheck disable=SC2086 # lists of words, here and below
missing=$(absent $want) optional=$(absent $may)
[ -n "$missing$optional" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  optional=$(available $optional)
  [ -n "$missing$optional" ] || exit 0
  echo "make $1 needs Debian packages; as root type:" >&2
  echo "  apt-get update && apt-get install --no-install-recommends$missing$optional" >&2
  [ -z "$missing" ] || exit 1
  exit 0
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
update() {
  apt-get update > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
}
install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages > "$log" 2>&1 < /dev/null
}
lists_are_there || update
packages=$missing$(available $optional)
[ -n "$packages" ] || exit 0
echo "installing$packages" >&2
# Old lists point at files that the mirror no longer has.
install || { update; install; } || { cat "$log" >&2; exit 1; }
