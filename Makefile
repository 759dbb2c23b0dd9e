# Makefile: the short names for what people do; Meson does the work in build/.
# `make help` lists the targets.

PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   := build

.PHONY: all run test bench bench-load install format clean help deps test-deps
.DEFAULT_GOAL := all

all: deps $(BUILD)/build.ninja ## build build/litetts and the libraries
	@ninja -C $(BUILD) $(if $(V),-v)

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) --prefix=$(PREFIX)

deps: ## install the packages that building needs
	@scripts/install-packages build

test-deps: ## install the packages that only tests need
	@scripts/install-packages build test

run: all ## build, and speak a sentence to hello.wav
	@scripts/hello

test: test-deps $(BUILD)/build.ninja ## build and run every test
	@meson configure $(BUILD) -Dtests=enabled -Dwerror=true
	@ninja -C $(BUILD)
	@scripts/test $(BUILD)

bench: test-deps all ## measure this build and print the tables of the README
	@scripts/bench $(BUILD)

bench-load: all ## measure the server under load, batching on and off (ARGS="--clients 16")
	@ninja -C $(BUILD) --quiet bench/bench_load
	@bench/load $(BUILD) $(ARGS)

install: all ## install below PREFIX (and DESTDIR)
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

format: ## bring every C file into the style of .clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove everything that was built
	@rm -rf $(BUILD) build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
