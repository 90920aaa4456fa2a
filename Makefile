# One command each: install | serve | test | test-all | check | bench | ui. Stamp files make a second run quick.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WEB := web
UI := web/ui
NPM_FLAGS := --no-audit --no-fund
HAS_NODE := $(shell command -v npm 2>/dev/null)
UI_SOURCES := $(shell find $(WEB)/client/src $(UI)/src $(UI)/public $(UI)/index.html $(UI)/vite.config.ts $(WEB)/*/tsconfig*.json $(WEB)/tsconfig*.json -type f 2>/dev/null)
CODE := hub models services web tests
# Half of the time a test waits, for a socket, a process or a page.
JOBS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
ARGS ?=
# Set by many container images. Dozens of short-lived servers and test processes would each compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install serve test test-all check bench ui check-python check-ui
.DEFAULT_GOAL := install

install: $(VENV)/.installed ui

serve: install
	@# exec: what make starts is the server itself and no shell around it, so that signals reach it
	exec $(BIN)/parley serve $(ARGS)

# Each process gets whole files, whose tests share a browser, in this order: the long ones of e2e come early.
test: $(VENV)/.installed ui
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

test-all: $(VENV)/.installed ui
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS) --cov

check: check-python check-ui

bench: install
	$(BIN)/python tests/benchmarks/run_all.py $(ARGS)

ifneq ($(HAS_NODE),)
ui: $(UI)/dist/index.html

check-ui: $(WEB)/node_modules/.installed
	cd $(WEB) && npm run --silent lint && npm run --silent check && npm run --silent test
else
ui:
	@test -f $(UI)/dist/index.html || echo "Node is not installed: the page is left out, everything else works."

check-ui:
	@echo "Node is not installed: the page's checks are left out."
endif

check-python: $(VENV)/.installed
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Parley needs Python 3.11 or later, but $(PYTHON) is `$(PYTHON) --version 2>&1`; try make PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/client/package.json $(UI)/package.json $(WEB)/package-lock.json
	cd $(WEB) && npm ci $(NPM_FLAGS)
	touch $@

$(UI)/dist/index.html: $(WEB)/node_modules/.installed $(UI_SOURCES)
	cd $(WEB) && npm run --silent build
	touch $@
