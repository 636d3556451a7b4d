# Every target sets up what it needs: a virtual environment in .venv and the runtime that plugins are built on.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EVERYTHING := --group dev -e '.[all]'
# How many processes check and run the tests: make test WORKERS=8. One more than two cores, for tests wait too
WORKERS ?= 3
TYPED := src tools examples typing_tests
export PATH := $(PATH):$(CURDIR)/$(BIN)
# Bytecode is kept, whatever is set outside: hundreds of processes would make it anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install demo test test-full documents long lowest lint types mypy platforms pyright imports bytecode docs picture bench runtime adapter clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): pyproject.toml hatch_build.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1' uv
	$(BIN)/uv pip install -q --python $(VENV) --reinstall-package reglet $(EVERYTHING) \
		|| $(BIN)/python -m pip install -q $(EVERYTHING)  # which knows of indexes that uv was not told of
	$(BIN)/python -m compileall -q src
	command -v go >/dev/null || $(BIN)/python -m pip install -q --group interop
	touch $@

install: $(STAMP) ## set up .venv with everything

demo: $(STAMP) ## build the http example, run it four ways, print what each took
	$(BIN)/python examples/demo.py

test: $(STAMP) ## every check: style, types, layers, tests with coverage
	@$(MAKE) --no-print-directory -j$(WORKERS) pyright mypy lint imports bytecode
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -m 'not long' -n $(WORKERS) --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

test-full: documents long ## the long tests: large counts, attacks, interpreters, the rebuilt adapter, every code block of the docs

documents: $(STAMP) platforms ## every code block of the README and the docs
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile README.md CONTRIBUTING.md docs

long: $(STAMP) ## the tests that take minutes; LONG leaves some out
	$(BIN)/python -m pytest -q -m long -n $(WORKERS) --dist worksteal $(LONG)

lowest: ## the tests with the lowest versions that pyproject.toml allows, on the Python that PYTHON names
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m pip install -q uv
	build/lowest/bin/uv pip install -q --python build/lowest --resolution lowest-direct $(EVERYTHING)
	build/lowest/bin/python -m pytest -q -m 'not long' -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: mypy pyright

mypy: $(STAMP)
	$(BIN)/mypy $(TYPED)

platforms: $(STAMP) ## mypy as on Windows and macOS: what they lack is guarded
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 $(TYPED)
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin $(TYPED)

pyright: $(STAMP)
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: $(STAMP)
	$(BIN)/lint-imports

bytecode: $(STAMP)  # of the tests and what they import, which the workers would compile at the same time, each for itself
	$(BIN)/python -m pytest -qqq --collect-only -m 'not long' >/dev/null || true  # what cannot be, the tests tell

docs: $(STAMP) ## build the documentation site into build/site, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo build/site/index.html

picture: $(STAMP) ## draw the terminal that heads the README anew
	$(BIN)/python -m tools.site.terminal

bench: $(STAMP) ## compare with peers in one run, print ratios
	$(BIN)/python -m bench

runtime: $(STAMP) ## link the runtime module again
	$(BIN)/python -m tools.runtime

adapter: $(STAMP) ## rebuild the adapter from C
	$(BIN)/python -m pip install -q --group adapter
	$(BIN)/python -m tools.runtime.adapter

clean: ## remove what the targets made
	rm -rf $(VENV) dist build/cache build/site .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
