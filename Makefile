# One command is enough: `make demo`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
ARGS ?=
# Compiled modules are kept, out of the tree: most of the time that a process takes to start is for compiling them, and tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.cache/bytecode

$(VENV)/.ready: requirements/build.txt requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(PIP) -r requirements/build.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements/build.txt --editable .
	@touch $@

setup: $(VENV)/.ready ## Make .venv with everything, by hash
.PHONY: setup

demo: setup ## Run the whole pipeline on synthetic patients, then serve the portal (ARGS="--once --json")
	@$(BIN)/trialbridge demo $(ARGS)
.PHONY: demo

test: setup ## Unit, contract, end-to-end and integration tests; the test bed is fetched and started where it can be
	@$(BIN)/python -m infra.testbed.suites $(ARGS)
.PHONY: test

check: setup ## Format, lint, types, import rules, generated documents, requirement lists, compose file
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m infra.generate --check
	@$(BIN)/python -m infra.lock --check
	@$(BIN)/python -m infra.compose
.PHONY: check

break: setup ## The long fault and load tests: kills, joins, hostile input by the thousand
	@$(BIN)/python -m infra.testbed.suites -m slow --hypothesis-profile=searching $(ARGS)
.PHONY: break

bench: setup ## Measure throughput, latency and memory on this machine (ARGS="pipeline --patients 200")
	@$(BIN)/python -m infra.testbed.bench $(ARGS)
.PHONY: bench

docs: setup ## Write the generated documents: topics, AsyncAPI, settings, metrics, promises
	@$(BIN)/python -m infra.generate
.PHONY: docs

lock: setup ## Compile the hashed requirement lists from pyproject.toml (ARGS="--upgrade" for newer versions)
	@$(BIN)/python -m infra.lock $(ARGS)
.PHONY: lock

cluster-up: setup ## Start the test bed and every service on it, each a process of its own; waits until all are ready
	@$(BIN)/python -m infra.testbed.cluster up
.PHONY: cluster-up

cluster-down: setup ## Stop them
	@$(BIN)/python -m infra.testbed.cluster down
.PHONY: cluster-down

secrets: setup ## Make the key ring and credentials that docker-compose.yml mounts (ARGS="network practice ...")
	@$(BIN)/python -m infra.secrets $(ARGS)
.PHONY: secrets

testbed-up: setup ## Start Kafka, MongoDB and S3 on loopback, and print how to reach them
	@$(BIN)/python -m infra.testbed up
.PHONY: testbed-up

testbed-down: setup ## Stop them
	@$(BIN)/python -m infra.testbed down
.PHONY: testbed-down

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16
.PHONY: help
