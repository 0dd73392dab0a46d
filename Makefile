# Every target works in one environment, .venv, which is built once from requirements.lock. It needs Python 3.11 or
# newer, and the network the first time.
VENV := .venv
DIR ?= .
TESTS ?=
RUN := $(VENV)/bin/python
BUILT := $(VENV)/.built

export DIR
.PHONY: help demo test lint types docs bench bench-side lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BUILT) ## see it work on the files of a folder: make demo DIR=/some/folder
	@$(RUN) -m hirehall demo "$$DIR"

test: $(BUILT) ## run every test, or some: make test TESTS=tests/cli
	$(RUN) -m pytest $(TESTS)

lint: $(BUILT) ## look for mistakes and for style
	$(RUN) -m ruff check .

types: $(BUILT) ## check the types
	$(RUN) -m mypy

docs: $(BUILT) ## write the generated pages anew: options, command line, diagram
	$(RUN) docs/generate.py

bench: $(BUILT) ## measure what a hall carries, raw sockets, every answer durable
	$(RUN) benchmarks/raw_load.py

bench-side: $(BUILT) ## measure what progress, logs and watchers cost
	$(RUN) benchmarks/side_data.py

lock: ## write requirements.lock anew from what pip resolves today
	@sh .ci/lock

clean: ## remove the environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BUILT): requirements.lock pyproject.toml .ci/environment
	@sh .ci/environment $(VENV)
	@touch $@
