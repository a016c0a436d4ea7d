#!/bin/sh
# Installs the Debian packages that a make target needs and that are missing; without root it prints the line to type.
# Usage: tools/deps.sh run|build|static|test|fuzz|bench|clients
set -eu

compile='gcc libc6-dev linux-libc-dev musl-tools'
# What tools/quickjs.sh needs: the package, or what fetches its source.
quickjs='dpkg-dev debian-archive-keyring'
if apt-cache policy libquickjs 2> /dev/null | grep -q 'Candidate: 2025\.04\.26-'; then quickjs=libquickjs; fi
case ${1:-} in
  build) want=$compile ;;
  static) want="$compile $quickjs" ;;
  run) want="$compile busybox-static" ;;
  test)
    want="$compile $quickjs busybox-static libseccomp-dev libseccomp2 golang-github-opencontainers-specs-dev strace mount iproute2 procps"
    # What criu calls is iptables; tools/criu.sh finds a newer criu where this one is too old for the kernel.
    [ "$(id -u)" -ne 0 ] || want="$want runc crun uidmap criu iptables"
    ;;
  fuzz) want="$compile $quickjs libseccomp-dev libseccomp2 clang libclang-rt-dev" ;;
  clients)
    want="$compile $quickjs busybox-static runc podman buildah conmon catatonit tini containerd docker.io"
    want="$want containernetworking-plugins netavark aardvark-dns iptables iproute2 uidmap slirp4netns fuse-overlayfs"
    # Newer releases have the client apart.
    if apt-cache show docker-cli > /dev/null 2>&1; then want="$want docker-cli"; fi
    ;;
  bench) want="$compile $quickjs busybox-static runc crun" ;;
  *) echo "usage: $0 run|build|static|test|bench|clients" >&2; exit 2 ;;
esac

if [ "${TSRUN_NO_APT:-}" = 1 ] || ! command -v dpkg-query > /dev/null; then exit 0; fi
missing=
for package in $want; do
  case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null || :) in
    ?i*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo "make $1 needs Debian packages; as root type:" >&2
  echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
echo "installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing > "$log" 2>&1 < /dev/null
}
# Old lists point at files that the mirror no longer has: update when there are none, and when the install fails.
if [ -z "$(apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' | xargs -r ls 2> /dev/null)" ] || ! install; then
  apt-get update > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
  install || { cat "$log" >&2; exit 1; }
fi
