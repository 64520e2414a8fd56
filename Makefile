# Everything that is done with this tree, by one name each. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUF := tools/node_modules/.bin/buf
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := target/tools/bin/cargo-deny
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := target/tools/bin/cargo-mutants

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the binary as it is released
	cargo build --release --locked

.PHONY: run
run: ## Serve on 127.0.0.1:50051 with a SQLite file in this folder
	cargo run --release --locked

.PHONY: test
test: ## Check everything; sets up what is missing
	tools/check

.PHONY: test-quick
test-quick: ## Run the tests alone, as far as this machine can
	cargo test --locked

.PHONY: test-long
test-long: $(CARGO_MUTANTS) ## Check for hours: every mutant of the ledger, the writer and the fold, 100,000 runs, fuzzing
	TOLLGATE_TEST_SEEDS=100000 cargo test --locked --test simulation
	TOLLGATE_TEST_CASES=100000 cargo test --locked --test ledger_properties
	tools/fuzz/run
	tools/mutation/run --all
	tools/mutation/engine

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## Check that tests notice changes of the ledger, for a sample of them
	tools/mutation/run

.PHONY: fuzz
fuzz: ## Fuzz requests, credentials, lists, answers, configuration and the ledger, FUZZ_SECONDS each
	tools/fuzz/run

.PHONY: bench
bench: ## Measure everything that benches/README.md lists; a quarter of an hour
	cargo build --release --workspace --locked
	target/release/gate-bench

.PHONY: fmt
fmt: $(BUF) ## Format code and protos
	cargo fmt --all
	$(BUF) format -w

.PHONY: lint
lint: ## Check formatting and lints of the code
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	tools/mutation/run --check

.PHONY: proto
proto: $(BUF) ## Check the protos: lint, formatting, and that callers of the last release still fit
	$(BUF) lint
	$(BUF) format -d --exit-code
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null || true); \
	if [[ -n "$$tag" ]]; then \
	  echo "buf breaking against $$tag"; \
	  $(BUF) breaking --against ".git#tag=$$tag"; \
	else \
	  echo "buf breaking: no release is tagged yet, nothing to compare with"; \
	fi

.PHONY: clients
clients: ## Regenerate the stubs of all clients and docs/api.md from the protos
	tools/clients/generate

.PHONY: clients-test
clients-test: $(CARGO_DENY) ## Check the clients: fresh stubs, lints, tests, and one scenario through all five
	tools/clients/check

.PHONY: panel
panel: ## Build the files of the admin panel, which are part of the tree
	clients/panel/build

.PHONY: panel-test
panel-test: ## Check the panel: fresh files, lints, and every page in Chromium
	cargo build --locked
	clients/panel/check

.PHONY: deny
deny: $(CARGO_DENY) ## Check licences, bans and sources of the dependencies
	$(CARGO_DENY) --locked check bans licenses sources
	tools/fuzz/run --prepare
	$(CARGO_DENY) --manifest-path tools/fuzz/Cargo.toml --config deny.toml check bans licenses sources

.PHONY: clean-tools
clean-tools: ## Remove the tools that the checks have installed
	rm -rf target/tools tools/node_modules

# buf and cargo-deny come from their package registries at a pinned version.
$(BUF): tools/package-lock.json
	cd tools && npm ci --ignore-scripts --no-audit --no-fund
	touch $(BUF)

# A debug build is done in half the time and checks in two seconds.
$(CARGO_DENY): Makefile
	cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --debug --force \
	  --root target/tools --target-dir target/tools/build
	rm -rf target/tools/build
	touch $(CARGO_DENY)

$(CARGO_MUTANTS): Makefile
	cargo install cargo-mutants --version $(CARGO_MUTANTS_VERSION) --locked --debug --force \
	  --root target/tools --target-dir target/tools/build
	rm -rf target/tools/build
	touch $(CARGO_MUTANTS)
