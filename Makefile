# One command is enough: `make demo`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

setup: $(VENV)/.ready ## Make .venv with everything, by hash
.PHONY: setup

demo: setup ## Run the whole pipeline on synthetic patients, then serve the portal (ARGS="--once --json")
	@$(BIN)/trialbridge demo $(ARGS)
.PHONY: demo

test: setup ## Unit, contract, end-to-end and integration tests; the test bed is fetched and started where it can be
	@$(BIN)/python -m infra.testbed.suites $(ARGS)
.PHONY: test

check: setup ## Format, lint, types, import rules and generated documents
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
.PHONY: check

testbed-up: setup ## Start Kafka, MongoDB and S3 on loopback, and print how to reach them
	@$(BIN)/python -m infra.testbed up
.PHONY: testbed-up

testbed-down: ## Stop them
	@$(BIN)/python -m infra.testbed down
.PHONY: testbed-down

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16
.PHONY: help
