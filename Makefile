# Everything a developer and the build machine do. `make help` lists the targets.
#
# `make demo` and `make test` work in a fresh checkout: they make .venv from the lock files (every package is checked
# against its hash), and `make test` also installs the Debian packages that tests use, where it may. Stamps in .venv
# remember what is done, so that a second run starts at once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

BIN := .venv/bin
RUNTIME ?= process
KEEP ?=
ARGS ?=
WEB_SOURCES := $(shell find frontend/src frontend/public -type f 2>/dev/null)
WORKERS ?= 2
COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --quiet

export UV_SYSTEM_CERTS ?= 1
export UV_LINK_MODE ?= copy
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help venv venv-dev packages web web-dev web-types web-check web-if-node demo test soak check lint format types imports docs docs-check screenshots bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: .venv/.stamp-runtime ## make .venv with what the platform needs to run

venv-dev: .venv/.stamp-dev

.venv/.stamp-runtime: requirements.lock pyproject.toml .ci/venv
	@.ci/venv requirements.lock
	@touch $@

.venv/.stamp-dev: requirements-dev.lock pyproject.toml .ci/venv
	@.ci/venv requirements-dev.lock
	@touch .venv/.stamp-runtime $@

packages:
	@.ci/packages

web: src/lilac/web/index.html ## the web UI, built into the package (needs Node.js 20.19 or newer)

src/lilac/web/index.html: frontend/node_modules/.stamp frontend/index.html frontend/vite.config.ts $(WEB_SOURCES)
	@cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

frontend/node_modules/.stamp: frontend/package.json frontend/package-lock.json
	@.ci/node
	@cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web-if-node:
	@if .ci/node 2>/dev/null; then $(MAKE) web; else .ci/node || true; fi

web-dev: frontend/node_modules/.stamp ## the web UI with live reload (LILAC_API_ENDPOINT says where the control plane is)
	@cd frontend && npm run dev

web-types: venv-dev frontend/node_modules/.stamp ## write the UI's API types from the API
	@cd frontend && npm run --silent api

web-check: venv-dev frontend/node_modules/.stamp ## types, style and unit tests of the web UI
	@cd frontend && npm run --silent api -- --check
	@cd frontend && npm run --silent types
	@cd frontend && npm run --silent lint
	@cd frontend && npm run --silent test -- --reporter=dot

demo: venv web-if-node ## a cluster, a queue and jobs on this machine (RUNTIME=process|docker, KEEP=1 leaves it running)
	@$(BIN)/lilac demo --runtime $(RUNTIME) $(if $(KEEP),--keep)

test: venv-dev packages web-if-node ## all tests (ARGS="-k name" selects, WORKERS=0 runs them in one process)
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

soak: venv-dev ## thousands of seeds of the simulator (ARGS="--count 5000 --seconds 3600 --first 1000")
	@$(BIN)/python -m tests.sim --count 2000 $(ARGS)

check: lint types imports docs-check ## everything that is checked without running the platform
	@if .ci/node 2>/dev/null; then $(MAKE) web-check; else .ci/node || true; fi

lint: venv-dev ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: venv-dev ## put the formatting right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: venv-dev ## static types
	@$(BIN)/pyright

imports: venv-dev ## the layers
	@$(BIN)/lint-imports

docs: venv-dev ## write docs/reference from the code
	@$(BIN)/python docs/reference/generate.py

screenshots: venv-dev packages web ## the pictures of the web UI in docs/screenshots
	@$(BIN)/python -m docs.screenshots.take

docs-check: venv-dev
	@$(BIN)/python docs/reference/generate.py --check

bench: venv-dev ## measure (ARGS="--only idle --write")
	@$(BIN)/python -m benchmarks.run $(ARGS)

lock: venv-dev ## choose versions anew and write the lock files
	@$(COMPILE) --extra demo --group build --upgrade -o requirements.lock
	@$(COMPILE) --extra demo --group build --group dev --constraint requirements.lock --upgrade -o requirements-dev.lock

clean: ## remove everything that was made here
	@rm -rf frontend/node_modules src/lilac/web .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis benchmarks/out dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
