# Frontdesk: every task of the house. `make` lists them.
# Everything is built into this folder (.venv, build, web/static/vendor) and stamped, so a second run takes seconds
# and needs no network. Package indexes and proxies are the machine's: set them as for pip and npm.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test lint fmt bench demo screenshots lock clean FORCE

HOME_FOLDER ?= ./var
DEMO_FOLDER ?= ./var-demo
TESTS ?=
ON := .venv/bin
STAMPS := .venv/stamps
PIP := $(ON)/python -m pip -qq --disable-pip-version-check --no-input
export PIP_USER := 0

# A .venv that was moved with its folder, or whose Python is gone after an upgrade, is made anew.
VENV_IS_SOUND := $(shell [ "$$(cat .venv/made-in 2>/dev/null)" = "$$(pwd -P)" ] && $(ON)/python -c pass 2>/dev/null && echo yes)

help: ## List the tasks
	@echo "Frontdesk. The tasks, as in: make run"
	@echo
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r task meaning; do printf '  %-12s %s\n' "$$task" "$$meaning"; done
	@echo
	@echo "Ports and folders: docs/settings.md. Another Python: make PYTHON=/path/to/python3.13 run"

setup: $(STAMPS)/package $(STAMPS)/assets $(STAMPS)/catalogues ## Build everything `run` needs, and start nothing

run: setup ## Start the office in ./var and say where to open it (Ctrl-C ends it)
	@exec $(ON)/frontdesk up --home "$${FRONTDESK_HOME:-$(HOME_FOLDER)}"

test: setup $(STAMPS)/tests ## Run every test this machine can run (TESTS=tests/web for some)
	@$(ON)/python provisioning/run_tests.py $(TESTS)

lint: setup $(STAMPS)/tests ## Check format, style, types and the arrows between parts
	$(ON)/ruff format --check .
	$(ON)/ruff check .
	$(ON)/mypy
	$(ON)/lint-imports

fmt: setup $(STAMPS)/tests ## Format the code and mend what can be mended
	$(ON)/ruff format .
	$(ON)/ruff check --fix .

bench: setup $(STAMPS)/tests ## Measure calls, delay and memory on this machine
	@$(ON)/python -m bench

demo: setup ## Fill an office with a month of calls in ./var-demo and open it for a visitor
	@exec $(ON)/python -m appliance.demo --home "$(DEMO_FOLDER)"

screenshots: setup $(STAMPS)/tests ## Make the pictures in docs/screenshots from the running product
	@$(ON)/python docs/screenshots/make.py

lock: $(STAMPS)/venv ## Look for newer versions of what we stand on and write the lock files (for maintainers)
	@provisioning/lock.sh

clean: ## Remove everything built; offices (./var, ./var-demo) stay
	rm -rf .venv build dist node_modules web/static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf *.egg-info
	find appliance -name '*.mo' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the tasks stand on -----------------------------------------------------------------------------------------

$(STAMPS)/venv: $(if $(VENV_IS_SOUND),,FORCE)
	@PYTHON="$(PYTHON)" provisioning/venv.sh
	@pwd -P > .venv/made-in
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dependencies: requirements.lock $(STAMPS)/venv
	@echo "Installing what Frontdesk stands on …"
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@touch $@

$(STAMPS)/package: pyproject.toml $(STAMPS)/dependencies
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(STAMPS)/tests: requirements-test.lock $(STAMPS)/package
	@echo "Installing what the tests need …"
	@$(PIP) install --require-hashes --no-deps -r requirements-test.lock
	@touch $@

$(STAMPS)/assets: package.json package-lock.json provisioning/assets.py $(STAMPS)/venv $(if $(wildcard web/static/vendor/htmx.min.js),,FORCE)
	@echo "Fetching the browser's scripts …"
	@$(ON)/python provisioning/assets.py
	@touch $@

$(STAMPS)/catalogues: $(wildcard appliance/locale/*/LC_MESSAGES/*.po) $(STAMPS)/dependencies $(if $(wildcard appliance/locale/*/LC_MESSAGES/*.mo),,FORCE)
	@[ ! -d appliance/locale ] || $(ON)/pybabel --quiet compile --directory appliance/locale
	@touch $@

FORCE:
