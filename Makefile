# Entry points of the project. `make setup` is part of `make run` and `make test` and is instant the second time.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps

# Microsoft's worker code declares Python 3.13 and runs on 3.11; pip takes these two flags on its command line only.
WORKER_RUNTIME := azure-functions-runtime==1.3.0

# What has no I/O, and so no excuse for an untested branch.
PURE := shared.core shared.graph.wire shared.graph.wire_time shared.graph.wire_body shared.graph.etags shared.wedsync.wire
PURE_TESTS := $(wildcard tests/graph/test_wire*.py) tests/graph/test_etags.py tests/wedsync/test_wire.py

UV := 0.13.8

# Journeys wait as much as they work: more workers than cores shorten `make test`, on a machine that nobody else uses.
WORKERS ?= 2

.PHONY: help setup run check test fidelity crash-matrix mutants soak fuzz bench lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/make \1\t\2/' | expand -t 20

setup: $(STAMPS)/python $(STAMPS)/node $(STAMPS)/chromium $(STAMPS)/certutil ## install everything into .venv and node_modules

run: setup ## bring the stand up in the foreground; Ctrl-C stops it
	@exec $(BIN)/python -m local.up $(RUN_ARGS)

check: $(STAMPS)/python ## format, lint and types
	@echo "==> ruff format --check"
	@$(BIN)/ruff format --check .
	@echo "==> ruff check"
	@$(BIN)/ruff check .
	@echo "==> mypy"
	@$(BIN)/mypy

test: setup check ## the checks and every test
	@echo "==> pytest: the rules and the translations, every branch of them"
	@$(BIN)/python -m pytest tests/core $(PURE_TESTS) -q --numprocesses $(WORKERS) --cov-branch --cov-fail-under=100 \
		--cov-report=term:skip-covered $(PURE:%=--cov=%)
	@echo "==> pytest: everything else, $(WORKERS) workers"
	@PYTHONHASHSEED=0 CHROMIUM_PATH="$${CHROMIUM_PATH:-$$(cat $(STAMPS)/chromium)}" $(BIN)/python -m pytest --ignore=tests/core \
		--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

fidelity: $(STAMPS)/python ## write docs/fidelity.md anew from the marks of the conformance suite
	@$(BIN)/python -m tests.local.fidelity

crash-matrix: $(STAMPS)/python ## kill the service at every I/O, see it end clean, write docs/crash-matrix.md anew
	@$(BIN)/python -m tests.crash

mutants: $(STAMPS)/python $(STAMPS)/node ## let the simulators lie, see each lie caught, write docs/mutants.md and docs/engine-mutants.md anew
	@$(BIN)/python -m tests.mutants $(MUTANTS)

soak: $(STAMPS)/python ## let the machine of tests/machine play on: STEPS=100000 rules, other ones at every run
	@MACHINE_STEPS=$${STEPS:-100000} $(BIN)/python -m pytest tests/machine/test_machine.py -q -p no:cacheprovider

fuzz: setup ## send made-up requests to a stand, other ones at every run: EXAMPLES=100 of each operation, SEED=... to repeat
	@$(BIN)/python -m tests.journeys.fuzz --examples $${EXAMPLES:-100} $${SEED:+--seed $$SEED}

bench: $(STAMPS)/python ## measure pushes, pulls and edits on the stand, write benchmarks/RESULTS.md anew
	@$(BIN)/python -m benchmarks.bench $(BENCH_ARGS)

lock: $(STAMPS)/python ## write requirements.txt and requirements-dev.txt anew from pyproject.toml
	@echo "==> requirements.txt, requirements-dev.txt"
	@$(BIN)/python -m pip install --quiet uv==$(UV)
	@$(BIN)/uv pip compile pyproject.toml --python-version 3.11 --quiet --upgrade \
		--no-header --no-annotate --no-emit-index-url -o requirements.txt
	@$(BIN)/uv pip compile pyproject.toml --group dev --python-version 3.11 --quiet --upgrade \
		--no-header --no-annotate --no-emit-index-url -o requirements-dev.txt

clean: ## remove what setup and run have made
	rm -rf $(VENV) node_modules .local .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/python: requirements-dev.txt Makefile
	@scripts/check-python "$$(test -x $(BIN)/python && echo $(BIN)/python || echo "$(PYTHON)")"
	@echo "==> Python packages into $(VENV)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python $(WORKER_RUNTIME)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/node: package-lock.json
	@scripts/check-node
	@echo "==> npm packages into node_modules"
	@npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/certutil: scripts/find-certutil
	@mkdir -p $(STAMPS)
	@scripts/find-certutil
	@touch $@

$(STAMPS)/chromium: scripts/find-chromium
	@echo "==> Chromium for the browser tests"
	@mkdir -p $(STAMPS)
	@scripts/find-chromium > $@.found
	@mv $@.found $@
