#!/bin/sh
# Builds nerdctl, of which Debian has no package, from its Go module. Usage: tools/nerdctl.sh OUTPUT
# `go install` would ask for a list of all versions, which not every module proxy has; a module that requires it does not.
set -eu

version=v1.7.7 # the last that speaks to containerd 1.6
mkdir -p "$(dirname "$1")"
output=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
[ ! -x "$output" ] || exit 0
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
cd "$module"
printf 'module nerdctl\n\ngo 1.22\n\nrequire github.com/containerd/nerdctl %s\n' $version > go.mod
printf '//go:build tools\n\npackage nerdctl\n\nimport _ "github.com/containerd/nerdctl/cmd/nerdctl"\n' > tools.go
echo 'building nerdctl' >&2
CGO_ENABLED=0 GOFLAGS=-mod=mod go build -o "$output" github.com/containerd/nerdctl/cmd/nerdctl > build.log 2>&1 ||
  { cat build.log >&2; exit 1; }
