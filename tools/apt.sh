#!/bin/sh
# Runs apt-get for another release of Debian than the system's, with a configuration of its own in the directory WORK:
# nothing of the system's apt is changed, and root is not needed. Usage: tools/apt.sh WORK deb|deb-src RELEASE COMMAND…
# The packages come from the system's own mirror (TSRUN_DEBIAN_SITE names another one) and are verified by apt.
set -eu
work=$1 kind=$2 release=$3
shift 3
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "apt: $1" >&2
  exit 1
}

command -v apt-get > /dev/null || fail "this needs apt: Debian or Ubuntu"
[ -f "$keyring" ] || fail "$keyring is missing: apt-get install debian-archive-keyring"
site=${TSRUN_DEBIAN_SITE:-$(apt-get indextargets --format '$(ORIGIN) $(SITE)' 'Created-By: Packages' |
  sed -n 's/^Debian \(.*\)/\1/p' | grep -v security | head -n 1)}
[ -n "$site" ] || fail "no Debian mirror is known: run apt-get update, or set TSRUN_DEBIAN_SITE=URL"

if [ ! -f "$work/apt.conf" ]; then
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
  : > "$work/status"
  echo "$kind [signed-by=$keyring] $site $release main" > "$work/sources.list"
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
