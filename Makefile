# Every command of this repository. Needs Rust (rust-toolchain.toml) and Node; sets up the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

NODE_STAMP := contracts/node_modules/.package-lock.json
CORE_STAMP := target/core/.fetched
# Not npm's launcher: it ends with 0 whatever forge says.
FORGE := cd contracts && node forge.js
# One job a core: the EVMs, the compiler and the tests share the machine.
export CARGO_TERM_COLOR ?= auto

.PHONY: help setup build devnet test test-rust test-contracts lint fmt bench bench-peers soak artifacts vectors clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(NODE_STAMP): contracts/package.json contracts/package-lock.json
	@command -v node >/dev/null || { echo "make: node not found: install Node 20 or later (https://nodejs.org), then run this again" >&2; exit 2; }
	@# Not `npm ci`: it insists on the optional builds for all other platforms, which not every mirror has.
	cd contracts && npm install --no-save --no-fund --no-audit --loglevel=error
	@touch $@

$(CORE_STAMP): devnet/core-artifacts/Cargo.lock
	@command -v cargo >/dev/null || { echo "make: cargo not found: install Rust (https://rustup.rs), then run this again" >&2; exit 2; }
	cargo fetch --locked --manifest-path devnet/core-artifacts/Cargo.toml
	@mkdir -p $(@D) && touch $@

setup: $(NODE_STAMP) $(CORE_STAMP) ## what the other commands need: npm packages, the sources that carry EigenLayer's core

build: setup ## all binaries, dev profile
	cargo build --locked --workspace --bins

devnet: build ## the whole network on this machine (KEEP=1 leaves it running, TRACE=full runs the whole trace)
	target/debug/devnet run $(if $(KEEP),--keep) $(if $(TRACE),--trace $(TRACE)) $(DEVNET_ARGS)

test: test-contracts test-rust ## every test

test-contracts: setup
	$(FORGE) test

test-rust: build
	cargo test --locked --workspace

lint: setup ## formatting, lints, one TLS stack, duplicate dependencies that matter
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if cargo tree --locked --workspace -i aws-lc-rs >/dev/null 2>&1; then echo "lint: aws-lc-rs is in the tree, expected ring only: find it with cargo tree -i aws-lc-rs" >&2; exit 1; fi
	$(FORGE) fmt --check
	$(FORGE) build

fmt: setup ## format everything
	cargo fmt --all
	$(FORGE) fmt

artifacts: setup ## compile the contracts and commit-ready artefacts for the Rust build
	node contracts/artifacts.js

vectors: ## renew tests/vectors from Rust; read the diff
	for crate in matching bls protocol health; do cargo run --locked -q -p quorate-$$crate --example vectors; done

bench: setup ## the figures, as one table and target/bench/summary.json
	cargo build --locked --release --workspace --bins --example markets --example probing
	target/release/devnet bench $(BENCH_ARGS)
	$(MAKE) bench-peers PEERS_ARGS=--if-online

bench-peers: ## our matcher beside or-tools, matching and lap on the same markets (installs them below target/)
	@command -v python3 >/dev/null || { echo "make: python3 not found: install Python 3.10 or later with venv, then run this again" >&2; exit 2; }
	cargo build --locked --release -p peers
	python3 bench/peers.py $(PEERS_ARGS)

soak: build ## the long proofs: kills, floods, differential cases (an hour and more)
	FOUNDRY_PROFILE=soak $(MAKE) test-contracts
	QUORATE_SOAK=1 cargo test --locked --workspace --release

clean: ## build outputs of this repository
	rm -rf target contracts/out contracts/cache
