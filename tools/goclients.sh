#!/bin/sh
# Builds the engines' clients of which Debian has no package, from their Go modules. Usage: tools/goclients.sh DIRECTORY
# What is in PATH is not built, and what cannot be built is told; the tests that want it skip.
# `go install` builds neither: it refuses a module with `replace` lines, and asks for a list of all versions, which not
# every module proxy has. A module that requires them needs neither.
set -eu

mkdir -p "$1"
directory=$(cd "$1" && pwd)
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
cd "$module"
export CGO_ENABLED=0 GOFLAGS=-mod=mod

# The versions of Kubernetes that cri-tools 1.26.1 replaces its staging directories by, as modules.
kubernetes='api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap
code-generator component-base component-helpers controller-manager cri-api csi-translation-lib kube-aggregator
kube-controller-manager kube-proxy kube-scheduler kubectl kubelet legacy-cloud-providers metrics mount-utils
pod-security-admission sample-apiserver'

# build NAME MODULE VERSION COMMAND…: NAME from MODULE/cmd/NAME by a go command.
build() {
  name=$1 path=$2 version=$3
  shift 3
  if command -v "$name" > /dev/null || [ -x "$directory/$name" ]; then return; fi
  command -v go > /dev/null || { echo "$name is not built: there is no go" >&2; return; }
  printf 'module clients\n\ngo 1.22\n\nrequire %s %s\n' "$path" "$version" > go.mod
  case $path in
    *cri-tools) for it in $kubernetes; do printf 'replace k8s.io/%s => k8s.io/%s v0.26.0\n' "$it" "$it"; done >> go.mod ;;
  esac
  printf '//go:build tools\n\npackage clients\n\nimport _ "%s/cmd/%s"\n' "$path" "$name" > tools.go
  echo "building $name" >&2
  go "$@" -o "$directory/$name" "$path/cmd/$name" > log 2>&1 || { tail -n 5 log; echo "$name is not built"; } >&2
}

build nerdctl github.com/containerd/nerdctl v1.7.7 build # the last that speaks to containerd 1.6
build crictl github.com/kubernetes-sigs/cri-tools v1.26.1 build
build critest github.com/kubernetes-sigs/cri-tools v1.26.1 test -c # a program of tests
