# Postbus. `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := shared cli $(wildcard services/*)
EDITABLE := $(foreach package,$(PACKAGES),-e ./$(package))
CODE := shared/postbus cli/postbus_cli $(patsubst %/__init__.py,%,$(wildcard services/*/*/__init__.py)) deploy docs tests

##@ Use

.PHONY: help
help:  ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: .venv/.installed  ## Start the whole system here; Ctrl-C stops it, data stays in .postbus/
	@PYTHONPATH=deploy exec $(BIN)/python -m local

.PHONY: install
install: .venv/.installed  ## Make the environment from the hashed lock file

.venv/.installed: requirements.lock $(wildcard */pyproject.toml services/*/pyproject.toml)
	@echo "Installing Postbus into .venv (a minute, the first time) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Postbus needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat $(EDITABLE)
	@touch $@

##@ Develop

.PHONY: fmt
fmt: .venv/.installed  ## Format the code
	@$(BIN)/ruff format --quiet $(CODE)
	@$(BIN)/ruff check --quiet --fix $(CODE)

.PHONY: check
check: .venv/.installed  ## Format, lint, types, import rules, generated docs fresh
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "run make fmt"; exit 1; }
	@$(BIN)/ruff check $(CODE)
	@PYTHONPATH=deploy $(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python docs/generate.py --check

.PHONY: docs
docs: .venv/.installed  ## Generate the event pages and schemas again
	@$(BIN)/python docs/generate.py

.PHONY: lock
lock: .venv/.installed  ## Solve the dependencies again and write requirements.lock
	@$(BIN)/uv pip compile requirements-dev.in --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --upgrade -o requirements.lock \
	  $(foreach package,shared cli config dispatch ingest-forward ingest-graph ingest-imap loopguard ticketing,--no-emit-package postbus-$(package))
	@$(MAKE) --no-print-directory .venv/.installed image-lists

.PHONY: image-lists
image-lists: .venv/.installed  ## Write which packages go into which image
	@PYTHONPATH=deploy $(BIN)/python -m image.bill

##@ Test

.PHONY: test
test: .venv/.installed  ## All tests on real servers; sets itself up
	@tests/servers/install-peers.sh
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -q -rs

.PHONY: test-fast
test-fast: .venv/.installed  ## Unit and contract tests, no servers but the contract suites' own
	@$(BIN)/python -m pytest -q tests/unit tests/contract

.PHONY: bench
bench: .venv/.installed  ## Speed and memory of the whole flow, beside a peer (ARGS="--long" …)
	@PYTHONPATH=deploy:tests $(BIN)/python -m bench $(ARGS)

.PHONY: loops
loops: .venv/.installed  ## Robots that answer whatever we send, beside others' limits (ARGS="--row echo")
	@PYTHONPATH=deploy:tests $(BIN)/python -m loops $(ARGS)

.PHONY: corpus
corpus: .venv/.installed  ## How well real mail is read: CORPUS=folder of mails with answers (ARGS="--misses")
	@PYTHONPATH=tests $(BIN)/python -m corpus $(CORPUS) $(ARGS)

.PHONY: fuzz
fuzz: .venv/.installed .venv/fuzz/.installed  ## Coverage-guided fuzzing of what reads mail; MINUTES=10
	@PYTHONPATH=.venv/fuzz:tests $(BIN)/python -m fuzz .venv/fuzz-work $(or $(MINUTES),10)

.venv/fuzz/.installed: tests/fuzz/requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --target .venv/fuzz --require-hashes -r $<
	@touch $@

##@ Deploy

.PHONY: k8s
k8s: .venv/.installed  ## Render the manifests and validate them strictly
	@PYTHONPATH=deploy $(BIN)/python -m k8s.validate

.PHONY: images
images:  ## Build the images; SERVICE=ticketing for one; needs docker, podman or buildah
	@deploy/images.sh $(SERVICE)

.PHONY: k8s-keys
k8s-keys: .venv/.installed  ## Make the keys of a cluster in KEYS=folder; prints what to run
	@PYTHONPATH=deploy $(BIN)/python -m k8s.make_keys $(KEYS)

##@ Tidy

.PHONY: clean
clean:  ## Remove the environment and caches; .postbus/ with your data stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} + ; rm -rf shared/*.egg-info cli/*.egg-info services/*/*.egg-info
