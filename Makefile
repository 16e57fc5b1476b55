# The front door. Each target does its own set-up (tools/setup), which costs nothing once done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export MMS_CACHE ?= $(HOME)/.cache/open-mms
# Compiled objects are shared between clones: paths below a clone count as relative.
export CCACHE_DIR ?= $(MMS_CACHE)/ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export PATH := $(MMS_CACHE)/bin:$(PATH)

PRESET ?= release
BUILD := build/$(PRESET)
PYTHON := $(MMS_CACHE)/peers-venv/bin/python
# One compiler per core, but never more than 1.5 GB of free memory each allow.
JOBS ?= $(shell awk -v cores="$$(nproc)" '/^MemAvailable/ { n = int($$2 / 1500000); \
  print n < 1 ? 1 : n < cores ? n : cores }' /proc/meminfo)

FORMATTED_FILES := git ls-files -co --exclude-standard '*.cc' '*.h' '*.java'

.PHONY: help setup build test chaos simulate fuzz check fix run demo demo-up demo-down bench bench-sandbox bench-catalog clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile
	@echo 'Settings: PRESET=release|dev|asan  JOBS=N  MMS_CACHE=DIR  ONLY=PATTERN (test)  ARGS="..." (run, bench)'

setup: ## get this machine ready to build, test and demo
	@tools/setup/setup test

build: ## compile into build/release (PRESET=dev or asan: into build/dev, build/asan)
	@tools/setup/setup build
	@$(MAKE) --no-print-directory compile

.PHONY: ready demo-ready compile
ready: setup
	@$(MAKE) --no-print-directory compile

demo-ready:
	@tools/setup/setup demo
	@$(MAKE) --no-print-directory compile

compile:
	@if [ ! -e $(BUILD)/build.ninja ]; then cmake --preset $(PRESET) >/dev/null; fi
	@cmake --build --preset $(PRESET) --parallel $(JOBS)

test: ready fuzz-targets ## unit, fuzz (10 s each) and peer tests (ONLY=PATTERN: those whose name matches)
	@$(PYTHON) tools/run_tests.py --build $(BUILD) --fuzz build/fuzz --jobs $(JOBS) --only '$(ONLY)'

chaos: ready ## crashes: each point at several passings, then CHAOS_KILLS (300) random kills
	@MMS_BIN=$(CURDIR)/$(BUILD)/mms MMS_CHAOS=1 MMS_CRASH_KILLS=$${CHAOS_KILLS:-300} \
	  $(PYTHON) -m pytest -q -s -p no:cacheprovider -n 0 tests/crash

simulate: build ## the service in a world that fails, on a virtual clock: SEEDS=20000, or SEED=n as a failure says
	@$(BUILD)/simulate $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),20000)) $(ARGS)

fuzz: fuzz-targets ## each fuzz target for FUZZ_SECONDS (600)
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} ctest --test-dir build/fuzz --output-on-failure --parallel $(JOBS)

.PHONY: fuzz-targets
fuzz-targets: setup
	@$(MAKE) --no-print-directory compile PRESET=fuzz

check: ## style: tools/tidy.py and clang-format
	@tools/setup/setup check
	@status=0; python3 tools/tidy.py || status=1; $(FORMATTED_FILES) \
	  | xargs -r clang-format-14 --dry-run -Werror --ferror-limit=1 || status=1; exit $$status

fix: ## format the C++ and Java files in place
	@tools/setup/setup check
	@$(FORMATTED_FILES) | xargs -r clang-format-14 -i

run: build ## run the binary: make run ARGS='sandbox --help'
	@$(BUILD)/mms $(ARGS)

demo: demo-ready ## move a small lakehouse into the sandbox, prove it, take everything down
	@MMS_BIN=$(CURDIR)/$(BUILD)/mms tools/demo/demo.sh run

demo-up: demo-ready ## the same, and leave it running
	@MMS_BIN=$(CURDIR)/$(BUILD)/mms tools/demo/demo.sh up

demo-down: ## end what demo-up left
	@tools/demo/demo.sh down

bench: ready ## the published figures (bench/README.md)
	@bench/run $(BUILD)/mms $(ARGS)

bench-catalog: ready ## what syncing a catalog of a million partitions costs (bench/README.md)
	@$(PYTHON) bench/catalog_sync $(BUILD)/mms $(ARGS)

bench-sandbox: ready ## how fast the sandbox takes blocks in (bench/README.md)
	@$(PYTHON) bench/sandbox_ingest $(BUILD)/mms $(ARGS)

clean: ## remove build/ (the cache stays: rm -r $(MMS_CACHE) removes it)
	@rm -rf build
