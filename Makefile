# Everything a newcomer or CI calls. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-real setup-real test-compare setup-compare evaluate simulate mutants kills faults fuzz lint bench profile soak lock clean

VENV := .venv
BIN := $(VENV)/bin
# Set up completely, kernels compiled: nothing to do while this file is newer than what it depends on.
READY := $(VENV)/ready
INSTALLED := $(VENV)/installed
LOCKED := $(VENV)/locked
# Set up with the peers of the extra compare.
PEERS := $(VENV)/peers
LIBRARY := $(shell find lfm_online -name '*.py' 2>/dev/null)
# What meets a broker or a store, and so runs on the real ones too.
REAL_SUITES := $(wildcard tests/contracts tests/integration tests/acceptance tests/faults tests/real)
# Extra arguments for demo, test, test-real and bench, as in: make demo ARGS="--exit --json"
ARGS ?=
# Some tests run a make of their own, which is to know nothing of this one.
PYTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u ARGS $(BIN)/python -m pytest
# Four on two cores: the tests of processes wait about a third of their time.
SPREAD := -n 4 --dist loadfile

# Sets $python to PYTHON, or else to the first interpreter that is new enough to use.
find_python = \
	python=; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or later found$(if $(PYTHON), at PYTHON=$(PYTHON)). Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2; \
	  exit 1; \
	fi

# Runs its argument up to four times, with a pause that grows: package downloads fail now and then.
retry = \
	try=1; \
	until $(1); do \
	  if [ $$try -ge 4 ]; then echo "given up after $$try tries" >&2; exit 1; fi; \
	  echo "try $$try failed; the next in $$((try * 5)) s" >&2; sleep $$((try * 5)); try=$$((try + 1)); \
	done

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-13s %s\n' "$$name" "$$text"; done

setup: $(READY) ## set up .venv from requirements.lock and compile the kernels (PYTHON=… chooses the interpreter)

$(LOCKED): requirements.lock
	@$(find_python); \
	echo "setting up $(VENV) with $$("$$python" --version)" >&2; \
	if ! "$$python" -m venv --clear $(VENV); then \
	  echo "$$python cannot make a virtual environment (on Debian: apt install python3-venv)" >&2; exit 1; \
	fi
	@$(call retry,$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --timeout 60 \
	  --require-hashes --requirement requirements.lock)
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Compiled here, once, so that no two processes fill the compiler's cache at the same time.
$(READY): $(INSTALLED) $(LIBRARY)
	@echo "compiling the kernels" >&2
	@$(BIN)/python -m lfm_online.warm_up
	@touch $@

demo: $(READY) ## MovieLens through an embedded broker and store, with lookups; ARGS="--exit --json", ARGS="--help"
	@exec $(BIN)/lfm-online demo --parent $$PPID $(ARGS)

test: $(READY) ## all tests that need nothing but this directory; ARGS="-k name"
	@$(PYTEST) $(SPREAD) --ignore=tests/real --ignore=tests/compare $(ARGS)

setup-real: ## install what test-real needs (Debian): Apache Kafka, redis-server, Prometheus, kcat
	@bash tests/real/setup.sh

test-real: $(READY) ## the suite on Apache Kafka, redis-server and Prometheus (after: make setup-real)
	@$(PYTEST) $(SPREAD) --servers=real $(REAL_SUITES) $(ARGS)

setup-compare: $(PEERS) ## install the peers that evaluate --compare measures beside the rule

$(PEERS): requirements-compare.lock $(READY)
	@$(call retry,$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --timeout 60 \
	  --require-hashes --requirement requirements-compare.lock)
	@touch $@

test-compare: $(PEERS) ## the tests that run the peers
	@$(PYTEST) tests/compare $(ARGS)

evaluate: $(PEERS) ## write docs/evaluation.md; LATEST_SMALL=ratings.csv adds a data set, SIZE=small goes to build/
	@$(BIN)/python -m tests.evaluation --size $(or $(SIZE),full) \
	  --output $(if $(filter small,$(SIZE)),build,docs) $(if $(LATEST_SMALL),--latest-small "$(LATEST_SMALL)")

simulate: $(READY) ## the worker's loop in RUNS made worlds, each of its own seed; ARGS="--help"
	@exec $(BIN)/python -m tests.simulation --runs $(or $(RUNS),1000) $(ARGS)

mutants: $(READY) ## break the code in each way of a list: every one must turn its tests red; writes docs/faults.md
	@exec $(BIN)/python -m tests.mutants --write docs/faults.md $(ARGS)

kills: $(READY) ## workers and stores killed at random moments of replays, each proved afterwards; KILLS=20 STORE_KILLS=5
	@KILLS=$(or $(KILLS),20) STORE_KILLS=$(or $(STORE_KILLS),5) $(PYTEST) -n 2 tests/acceptance/test_kills.py $(ARGS)

faults: $(READY) ## ROUNDS of kills, failovers and cut networks on real processes; ARGS="--servers real", ARGS="--help"
	@exec $(BIN)/python -m tests.faults --rounds $(or $(ROUNDS),10) $(ARGS)

fuzz: $(READY) ## RECORDS of every kind, good and broken, through a worker: each learned or dead, memory flat; ARGS="--help"
	@exec $(BIN)/python -m tests.fuzz.flood --records $(or $(RECORDS),1000000) $(ARGS)

lint: $(READY) ## ruff, its formatter, and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict lfm_online worker tests

bench: $(READY) ## the benchmarks; ARGS="--help"
	@$(BIN)/python -m tests.benchmarks $(ARGS)

profile: $(PEERS) ## where a worker's time goes, by step; ARGS="--svg flames.svg", ARGS="--help"
	@exec $(BIN)/python -m tests.profile $(ARGS)

soak: $(READY) ## EVENTS at full speed, of a twentieth as many users: rate, memory, bytes a row, verify; LFM_... as the worker's
	@exec $(BIN)/python -m tests.benchmarks --only soak --events $(or $(EVENTS),20000000) $(ARGS)

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  --extra demo --extra dev --extra export --extra librdkafka \
	  --output-file requirements.lock --quiet
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra compare \
	  --constraint requirements.lock --output-file requirements-compare.lock --quiet

clean: ## remove .venv and everything that was generated
	@rm -rf $(VENV) .data .real build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find lfm_online worker tests -name __pycache__ -type d -prune -exec rm -rf {} +
