# Palate's commands. `make up` and `make test` each do all they need on a fresh machine with Python 3.11 or newer.
#
# TORCH=cpu           (default) the CPU build of PyTorch; on x86-64 Linux that is a build of its own, on others the only one
# TORCH=cuda          the CUDA build, several GB
# TORCH_INDEX_URL=... where pip finds PyTorch, if it does not know by itself

PYTHON ?= python3
TORCH ?= cpu
TORCH_INDEX_URL ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.palate-$(TORCH)
TESTS ?=
SCALE ?= 1 5 1
SEEDS ?= 1
BUDGET ?= 300
BENCH ?=
MINUTES ?= 10
SEED ?= 1
DATABASE ?= postgresql

# Or every process that starts would compile all of Palate anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup up test quick laws coverage check lint docs lock bench chaos fuzz peers release clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 10

setup: $(STAMP) ## Make the environment: .venv with the command .venv/bin/palate

up: $(STAMP) ## Start everything at 127.0.0.1:8000: database, sample, first model, API, trainer
	@exec $(BIN)/palate up

# One thread for each of the three: they would wait for one another's.
test: $(STAMP) ## Run the tests; root gets Chromium, nginx and PgBouncer, where they are missing
	@./scripts/install-chromium
	@./scripts/install-servers
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadgroup $(TESTS)

# While thinking: what needs no process, browser or database, and fits no model.
quick: lint ## Run the checks of style and types, and the tests that take no time
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "unit and not fit" $(TESTS)

laws: $(STAMP) ## Try the laws (hypothesis) on many examples
	HYPOTHESIS_PROFILE=laws OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 -m "not browser" -k "$(or $(LAWS),test)" tests/app tests/models

coverage: $(STAMP) ## Run the tests and print what lines and branches they reach: TESTS="tests/app/keys"
	@rm -rf build/coverage && mkdir -p build/coverage
	OMP_NUM_THREADS=1 $(BIN)/python -m coverage run -m pytest -n 3 --dist loadgroup $(TESTS)
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report
	@$(BIN)/python -m coverage json -q -o build/coverage/report.json
	@$(BIN)/python -c 'import json; totals = json.load(open("build/coverage/report.json"))["totals"]; \
	  print("lines {percent_statements_covered:.2f} %, branches {percent_branches_covered:.2f} %".format(**totals))'

check: lint test ## Run every check: style, types, import contracts, tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(STAMP) ## Build the documentation into build/site; a warning, such as a broken link, is an error
	$(BIN)/python -m scripts.docs
	$(BIN)/python -m mkdocs build --strict

bench: $(STAMP) ## Measure every kind of request against an empty route, on both databases, with two catalogues: BENCH="--seconds 5"
	$(BIN)/python -m benchmarks.serving $(BENCH)

chaos: $(STAMP) ## Try Palate under faults, and check every answer: DATABASE=postgresql MINUTES=10 SEED=1
	$(BIN)/python -m benchmarks.chaos $(DATABASE) --minutes $(MINUTES) --seed $(SEED) --report build/chaos/$(DATABASE)-$(SEED).md

fuzz: $(STAMP) ## Try what OpenAPI says with many calls, good and bad, on both databases: SECONDS=600 for each of four servers, or EXAMPLES=15
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.fuzzing $(if $(EXAMPLES),--examples $(EXAMPLES),--seconds $(or $(SECONDS),600))

peers: $(STAMP) ## Measure other recommenders: RATINGS=FOLDER SCALE="1 5 1" SEEDS=1 BUDGET=300 (docs/explanation/peers.md)
	$(BIN)/python -m benchmarks.peers --ratings $(or $(RATINGS),$(error RATINGS=FOLDER names the ratings)) \
	  --scale $(SCALE) --seeds $(SEEDS) --budget $(BUDGET) --output var/peers/results/$(notdir $(RATINGS))

lock: $(STAMP) ## Write the lock files anew from pyproject.toml
	./scripts/lock $(BIN)/pip-compile

release: ## Make the wheels, the image by digests, the list of what they are made of, and its audit: build/release
	$(PYTHON) -m venv build/release-environment
	build/release-environment/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-release.lock
	./scripts/release build/release-environment/bin/python $$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

clean: ## Remove the environment; data in var/ stays
	rm -rf $(VENV)

# The stamp is newer than the locks when the environment is as they say.
$(STAMP): requirements-dev.lock pyproject.toml scripts/install-torch
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Palate needs Python 3.11 or newer; set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@TORCH=$(TORCH) TORCH_INDEX_URL=$(TORCH_INDEX_URL) ./scripts/install-torch $(BIN)/python -m pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e ./clients/python
	@rm -f $(VENV)/.palate-* && touch $@
