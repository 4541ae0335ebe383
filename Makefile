# What people do with a clone. Everything that is built goes outside it, unless CARGO_TARGET_DIR says otherwise.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/waymark/target
RELEASE := $(CARGO_TARGET_DIR)/release/waymark
WORKDIR ?= bench-work
TARGET ?= answer
SECONDS_MAX ?= 60
KILLS ?= 50

.PHONY: run test fmt lint memcheck interop crash fuzz bench bench-table docs

run: ## build and serve: prints what to do next
	cargo run --release --locked --bin waymark -- serve

test: ## everything that CI runs
	bash tools/test

fmt: ## put the code into its form
	cargo fmt --all

lint: ## warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

memcheck: ## the tests of unsafe code, under valgrind
	bash tools/memcheck

$(RELEASE): FORCE
	cargo build --release --locked --bin waymark
FORCE:

interop: $(RELEASE) ## the Python SDK and dig against a fresh server
	bash tools/packages
	interop/run all --program $(RELEASE)

crash: ## kill -9 with writes under way, KILLS times
	bash tools/packages
	WAYMARK_KILLS=$(KILLS) cargo nextest run --workspace --locked --no-capture when_the_process_is_killed

fuzz: ## one fuzz TARGET for SECONDS_MAX
	bash tools/packages fuzz
	mkdir -p fuzz/corpus/$(TARGET)
	cd fuzz && CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/fuzz cargo fuzz run --sanitizer none $(TARGET) \
		corpus/$(TARGET) seeds/$(TARGET) -- -max_total_time=$(SECONDS_MAX)

bench: $(RELEASE) ## writes, start time, memory (about 10,000 zones)
	bench/gen.py --workdir $(WORKDIR) --datasets many --many-zones 10000
	bench/writes.py --program $(RELEASE) --directory $(WORKDIR)
	bench/start.py --program $(RELEASE) --workdir $(WORKDIR)
	bench/memory.py --program $(RELEASE) --workdir $(WORKDIR)

bench-table: $(RELEASE) ## answers, next to Knot and NSD
	bash tools/packages bench
	bench/gen.py --workdir $(WORKDIR) --datasets one
	WAYMARK=$(RELEASE) bench/run.py --workdir $(WORKDIR) --dataset one --servers floor-mmsg,knot,nsd,bench/waymark.json --rounds 5

docs: ## the code's documentation
	cargo doc --workspace --no-deps --locked
