# Everything sets itself up: only Python >= 3.11, make and a package registry are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
ALL := sweep,streaming,browser,parquet
comma := ,

.PHONY: help install demo dashboard test test-all all-extras check sweep measure streaming parquet clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

define install
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "distill needs Python 3.11 or newer: make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing PyTorch and the other packages into $(VENV): some minutes, 6 GB of disk"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev$(1)]'
	touch $(VENV)/.installed $@
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call install)

$(VENV)/.%: pyproject.toml constraints.txt
	$(call install,$(comma)$*)

install: $(VENV)/.installed ## only the environment, with distill in it

demo: $(VENV)/.installed ## train on a small synthesised collection; prints where the model is
	$(BIN)/python -m distill.train

dashboard: $(VENV)/.installed ## train, listen and generate in the browser; prints its address
	$(BIN)/python -m distill.dashboard

test: $(VENV)/.installed ## the fast tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

all-extras: $(VENV)/.$(ALL) ## what all tests need

test-all: all-extras ## the fast and the slow tests, those of the extras too
	$(BIN)/python -m pytest -n 4 -m 'slow or not slow' $(PYTEST_ARGS)

check: $(VENV)/.installed ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

sweep: $(VENV)/.sweep ## what sweeps on several cores, machines and searches need

measure: $(VENV)/.measure ## the artificial ears that scripts/bench/hearing.py asks (Linux)

streaming: $(VENV)/.streaming ## what training on shards needs

parquet: $(VENV)/.parquet ## what `encode --to parquet` needs

clean: ## remove the environment and caches; what you made under outputs/ stays, but for the decoded sounds
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache dist build outputs/cache
