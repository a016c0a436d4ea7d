#!/bin/sh
# Runs apt-get for another release of Debian or Ubuntu than the system's, with a configuration of its own in the directory WORK: nothing
# of the system's apt is changed, and root is not needed. Usage: tools/apt.sh WORK deb|deb-src stable|newest COMMAND…
# The packages come from the system's own mirror and are verified by apt; TSRUN_DEBIAN_SITE names a mirror of Debian instead.
set -eu
work=$1 kind=$2 which=$3
shift 3

fail() {
  echo "apt: $1" >&2
  exit 1
}

command -v apt-get > /dev/null || fail "this needs apt: Debian or Ubuntu"
if [ -n "${TSRUN_DEBIAN_SITE:-}" ]; then
  mirror="Debian $TSRUN_DEBIAN_SITE"
else
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(SITE)' 'Created-By: Packages' |
    grep -E '^(Debian|Ubuntu) ' | grep -v security | head -n 1)
fi
site=${mirror#* }
case $mirror:$which in
  Debian*:stable) release=trixie components=main ;;
  Debian*:newest) release=sid components=main ;;
  Ubuntu*) release=resolute components='main universe' ;;
  *) fail "no mirror of Debian or Ubuntu is known: run apt-get update, or set TSRUN_DEBIAN_SITE=URL" ;;
esac
# That of Ubuntu's other architectures has no sources.
case $kind:$site in deb-src:*//ports.ubuntu.com/*) site=http://archive.ubuntu.com/ubuntu ;; esac
distribution=$(echo "${mirror%% *}" | tr DU du)
keyring=/usr/share/keyrings/$distribution-archive-keyring.gpg
[ -f "$keyring" ] || fail "$keyring is missing: apt-get install $distribution-archive-keyring"

if [ ! -f "$work/apt.conf" ]; then
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
  : > "$work/status"
  echo "$kind [signed-by=$keyring] $site $release $components" > "$work/sources.list"
  # Of the system's configuration only how to reach the network (proxies, certificates): no hooks.
  {
    apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' || :
    cat << END
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/none";
Dir::Etc::parts "$work/none";
Dir::Etc::main "$work/none/none";
Dir::Etc::preferencesparts "$work/none";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work";
Dir::Cache::archives "$work/archives";
APT::Sandbox::User "";
APT::Get::List-Cleanup "false";
END
  } > "$work/apt.conf"
fi
APT_CONFIG="$work/apt.conf" exec apt-get -q "$@"
