# `make help` lists the targets. Everything that is made lands in build/ (C, the static form), bin/ and dist/ (the npm package).

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := build

CC := gcc
MUSL := musl-gcc
NODE := node
PREFIX := /usr/local
DESTDIR :=
share = $(DESTDIR)$(PREFIX)/share
apparmor = $(DESTDIR)/etc/apparmor.d
# Arguments of `make test`, `make bench` and `make fuzz`, such as TESTS=test/unit/plan.test.ts
TESTS ?=
# Boots the virtual machine of `make check-vm`: tools/checkvm.mjs says how it is called
VM_TEST ?=
ROOT := $(if $(filter 0,$(shell id -u)),yes)
BUNDLE := $(if $(ROOT),shell,rootless)

modules := node_modules/.package-lock.json
stamp := build/static/bundle.stamp
warnings := -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Werror

# ---- what a user types ----

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: run
run: ## build, then run the example bundle BUNDLE (shell; rootless for an ordinary user) and show what the container sees
	@tools/deps.sh run
	@$(MAKE) --no-print-directory build
	@$(NODE) tools/bundle.mjs $(BUNDLE) > /dev/null
	@bin/tsrun run --bundle build/bundles/$(BUNDLE) example-$(BUNDLE)-$$$$

.PHONY: build
build: bin/tsrun build/codecache.stamp build/types.stamp dist/tsrun-shim ## the npm form: bin/tsrun, dist/ and build/tsrun-shim

.PHONY: static
static: build/tsrun ## the static form: one binary without Node.js, build/tsrun

.PHONY: gen
gen: $(modules) ## write the generated files (*.gen.*) again
	@for tool in $$(find src shim test -name '*.gen.*' -exec head -n 1 {} \; | grep -o 'tools/[a-z-]*\.mjs' | sort -u); do \
	  $(NODE) $$tool || exit; \
	done
	@$(NODE) tools/features.mjs

.PHONY: lint
lint: $(modules) ## types, style and C warnings
	@tools/deps.sh lint
	@$(NODE) tools/test.mjs lint

.PHONY: format
format: $(modules) ## lay out the sources as Biome does
	@node_modules/.bin/biome check --write --log-level=warn .

.PHONY: test
test: ## lint and all tests; as root containers too, in both forms (TESTS=… runs less)
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@$(NODE) tools/test.mjs $(or $(TESTS),lint unit golden shim $(if $(ROOT),integration advisories hostile no-openat2 conformance oci) fuzz)
ifndef ROOT
	@echo 'the tests with containers were left out: they need root (make check-root)'
endif

.PHONY: check-root
check-root: ## only the tests that need root
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@$(NODE) tools/test.mjs integration advisories hostile conformance oci

.PHONY: check-oci
check-oci: ## the OCI validation programs, a line each, as root (RUNTIME=runc: on runc; SUITE=DIR: built already)
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@TSRUN_RUNTIME=$(RUNTIME) SUITE=$(SUITE) $(NODE) tools/test.mjs --show oci

.PHONY: check-hostile
check-hostile: ## what attacks: advisories, hostile images, faults, races, load, no openat2, fuzzing (as root)
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@$(NODE) tools/test.mjs $(or $(TESTS),advisories hostile no-openat2 fuzz)

.PHONY: check-sanitized
check-sanitized: ## the shim under ASan and UBSan, and containers by a static form that traps undefined behaviour, as root (TESTS=…)
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@mkdir -p build/sanitized && cp -r build/static build/sanitized/
	@SANITIZE=1 CC=$(CC) tools/shim.sh build/sanitized/tsrun-shim
	@SANITIZE=1 MUSL=$(MUSL) tools/static.sh build/sanitized/static build/sanitized/tsrun
	@TSRUN_SANITIZE=1 $(NODE) tools/test.mjs shim
	@TSRUN_RUNTIME=$(CURDIR)/build/sanitized/tsrun $(NODE) tools/test.mjs $(or $(TESTS),integration hostile)

.PHONY: check-clients
check-clients: ## podman, containerd, docker and buildah on tsrun, as root (TSRUN_RUNTIME=runc: on runc)
	@tools/deps.sh clients
	@$(MAKE) --no-print-directory build static
	@tools/goclients.sh build/test/bin
	@PATH=$$PATH:$(CURDIR)/build/test/bin $(NODE) tools/test.mjs --timeout 1800 --verbose $(or $(TESTS),clients)

.PHONY: conformance
conformance: ## the tests of single sentences, on tsrun and on runc, and their table in test/conformance
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@$(NODE) tools/test.mjs conformance
	@if command -v runc > /dev/null; then TSRUN_RUNTIME=runc $(NODE) tools/test.mjs conformance; fi
	@$(NODE) tools/conformance.mjs

.PHONY: check-vm
check-vm: ## the tests that need cgroup v2, systemd or a user's delegated cgroups, in a virtual machine (VM_TEST=program, TESTS=…, CHECK=…)
	@tools/deps.sh test
	@$(MAKE) --no-print-directory build static
	@tools/goclients.sh build/test/bin
	@$(NODE) tools/checkvm.mjs '$(VM_TEST)' $(TESTS)

.PHONY: bench
bench: ## speed beside runc and crun (BENCH_ALL=1: the newest runc and youki, too)
	@tools/deps.sh bench
	@$(MAKE) --no-print-directory build static build/side
	@$(NODE) bench/bench.mjs

.PHONY: bench-vm
bench-vm: build/side ## run on cgroup v2 beside crun, with files and with systemd, in a virtual machine (VM_TEST=program, ROUNDS=20)
	@tools/deps.sh bench
	@$(MAKE) --no-print-directory build static
	@$(NODE) bench/vm.mjs '$(VM_TEST)'

.PHONY: bench-engines
bench-engines: ## podman, ctr and docker with tsrun and with runc, as root (ONLY=podman, ROUNDS=20)
	@tools/deps.sh clients
	@$(MAKE) --no-print-directory static build/side
	@$(NODE) bench/engines.mjs

.PHONY: fuzz
fuzz: ## random plans (libFuzzer), configs, words, frames and seccomp profiles, SECONDS (600) in all
	@tools/deps.sh fuzz
	@$(MAKE) --no-print-directory $(modules)
	@$(NODE) test/shim/fuzz.mjs $$(( $(or $(SECONDS),600) * 2 / 5 ))
	@FUZZ_SEED=$$(date +%s) FUZZ_SECONDS=$$(( $(or $(SECONDS),600) / 15 + 1 )) \
	  $(NODE) tools/test.mjs --verbose --timeout 3600 test/hostile/fuzz.test.ts test/unit/seccomp-oracle.test.ts

.PHONY: install
install: static ## the static form below PREFIX, with manual and completions (DESTDIR for packages)
	install -D -m 755 build/tsrun $(DESTDIR)$(PREFIX)/bin/tsrun
	install -D -m 644 LICENSE $(share)/doc/tsrun/LICENSE
	install -d $(share)/man/man8 $(share)/bash-completion/completions $(share)/zsh/site-functions $(share)/fish/vendor_completions.d
	$(NODE) tools/man.mjs build/tsrun > $(share)/man/man8/tsrun.8
	build/tsrun completion bash > $(share)/bash-completion/completions/tsrun
	build/tsrun completion zsh > $(share)/zsh/site-functions/_tsrun
	build/tsrun completion fish > $(share)/fish/vendor_completions.d/tsrun.fish
	if [ -e $(apparmor)/abi/4.0 ]; then \
	  sed 's|@program@|$(PREFIX)/bin/tsrun|' tools/apparmor.in > $(apparmor)/tsrun; \
	  [ -n '$(DESTDIR)' ] || ! aa-enabled --quiet || apparmor_parser --replace $(apparmor)/tsrun; \
	fi

.PHONY: uninstall
uninstall: ## take away what make install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/tsrun $(share)/man/man8/tsrun.8 $(share)/bash-completion/completions/tsrun \
	  $(share)/zsh/site-functions/_tsrun $(share)/fish/vendor_completions.d/tsrun.fish $(apparmor)/tsrun
	rm -rf $(share)/doc/tsrun

.PHONY: clean
clean: ## remove bin/, build/ and dist/
	rm -rf bin build dist

# ---- node_modules ----

$(modules): package.json package-lock.json
	@command -v $(NODE) > /dev/null || { echo 'make needs Node.js 20 or newer (nodejs.org, or your distribution)' >&2; exit 1; }
	@$(NODE) -e 'if (+process.versions.node.split(".")[0] < 20) { console.error("make needs Node.js 20 or newer, this is " + process.version); process.exit(1) }'
	@[ -f $@ ] || echo 'installing npm packages' >&2
	@mkdir -p build
	@npm ci --no-audit --no-fund --loglevel=error > build/npm.log 2>&1 || { cat build/npm.log >&2; exit 1; }
	@touch $@

# ---- TypeScript, for both forms ----

$(stamp): $(modules) tools/bundlejs.mjs $(wildcard src/index.ts src/cli/parts/*.ts)
	@$(NODE) tools/bundlejs.mjs
-include build/static/bundle.d

dist/tsrun.cjs: $(stamp)
	@[ -f $@ ] || $(NODE) tools/bundlejs.mjs

# Of this release of Node.js; another one refuses it and compiles.
build/codecache.stamp: dist/tsrun.cjs $(stamp) shim/npm/launch.c tools/codecache.mjs $(shell command -v $(NODE))
	@$(NODE) tools/codecache.mjs
	@touch $@

# The library's declarations.
build/types.stamp: $(stamp) tsconfig.json tsconfig.types.json
	@rm -rf dist/types
	@if [ -f src/index.ts ]; then node_modules/.bin/tsc -p tsconfig.types.json; fi
	@touch $@

# ---- the shim ----

build/tsrun-shim: tools/shim.sh $(wildcard shim/*.c shim/*.h) | toolchain
	@CC=$(CC) tools/shim.sh $@

dist/tsrun-shim: build/tsrun-shim
	@install -D -m 755 $< $@

bin/tsrun: tools/shim.sh shim/npm/launch.c shim/start.c shim/sys.h | toolchain
	@CC=$(CC) tools/shim.sh $@ shim/npm/launch.c shim/start.c

.PHONY: toolchain
toolchain:
	@command -v $(CC) > /dev/null || tools/deps.sh build

# ---- the static form ----

build/tsrun: $(stamp) build/tsrun-shim tools/static.sh tools/quickjs.sh $(wildcard shim/static/*.c shim/static/*.h)
	@tools/deps.sh static
	@MUSL=$(MUSL) tools/static.sh

build/side: bench/side.c
	@mkdir -p $(@D)
	@$(CC) -O2 $(warnings) -o $@ $<
