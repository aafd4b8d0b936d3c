# Every command of the project. Each one but `help` first brings .venv up to date, which costs
# nothing when it is. PYTHON=python3.12 chooses the interpreter that .venv is made from.

PYTHON ?= python3
PORT ?=
BENCH ?=
ARGS ?=
SEED ?=
POSTGRES_BIN ?= $(SKUA_TEST_POSTGRES_BIN)

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# An interpreter that somebody named replaces the one .venv has; the default never does.
SETUP_FLAGS := $(if $(filter environment command,$(firstword $(origin PYTHON))),--this-python)
COMPILE := $(BIN)/uv --no-config pip compile --quiet --upgrade --generate-hashes \
  --no-emit-index-url --universal --python-version 3.11 --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup fmt check lint test contract e2e torture bench timing demo docs lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Build .venv from requirements.lock (PYTHON=python3.12 chooses the interpreter)
	@$(PYTHON) tools/setup.py $(SETUP_FLAGS)

fmt: setup ## Format the code and fix what ruff can fix by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

check: lint ## Format, lint, types, imports, unit and architecture tests: before each commit
	$(PYTEST) -n 2 tests/unit tests/architecture

lint: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint docs ## Everything CI runs: check, contract, e2e, docs
	$(PYTEST) -n 2

contract: setup ## Contract suites of all ports, or of one: PORT=messenger
	$(PYTEST) $(if $(PORT),tests/contract/test_$(PORT).py,-n 2 tests/contract)

e2e: setup ## Whole journeys with real processes
	$(PYTEST) tests/e2e

torture: setup ## Kill, freeze and starve an installation for minutes: SEED=1, ARGS=--short, POSTGRES_BIN=…
	SKUA_TEST_POSTGRES_BIN="$(POSTGRES_BIN)" $(BIN)/python -m tests.e2e.torture \
	  $(if $(SEED),--seed $(SEED)) $(ARGS)

bench: setup ## Run the benchmarks, or one: BENCH=send
	@set -e; for script in benchmarks/bench_$(or $(BENCH),*).py; do \
	  echo "$$script"; $(BIN)/python -m benchmarks.$$(basename "$$script" .py); done

timing: setup ## See whether the time of a refused login tells what an address is: ARGS=--samples=300
	$(BIN)/python -m benchmarks.timing_logins $(ARGS)

demo: setup ## Watch a broadcast, everything embedded: ARGS=--chaos kills the worker on the way
	$(BIN)/skua demo $(ARGS)

docs: setup ## Build the documentation into build/docs, warnings are errors
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs build/docs

lock: setup ## Choose the newest allowed versions anew and write the lock files
	echo uv | $(COMPILE) --output-file tools/bootstrap.lock -
	$(COMPILE) --extra test --extra docs --output-file requirements.lock pyproject.toml
