# `make demo` and `make test` do all their own set-up; `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
SCRIPTS := docker/*.sh .ci/run
FUZZ_TARGETS := agi, ami, expressions, journal, numbers, rendering, values
# Two at once, each in a network of its own, which only root may make; most of them wait for calls.
BESIDE := $(if $(filter 0,$(shell id -u)),-n 2 --dist loadgroup --no-loadscope-reorder)

.PHONY: help demo demo-web screenshots words test unit soak check fuzz bench lab lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) lab ## a SIP trunk service with real calls, from nothing
	@$(BIN)/python -m tests.demo

demo-web: $(READY) lab ## the same, and its management interface for a browser, until Ctrl-C
	@$(BIN)/python -m tests.demo web

screenshots: $(READY) lab ## the same, and pictures of its pages for the README
	@$(BIN)/python -m tests.demo pictures

test: unit lab ## every test: pure ones first, then a real browser, PostgreSQL, Asterisk and SIPp
	@echo "Tests in a real browser"
	@$(BIN)/python -m pytest -q -n auto -m browser tests/browser
	@echo "Tests on a real PostgreSQL"
	@$(BIN)/python -m pytest -q -n auto -m "postgresql and not asterisk and not soak"
	@echo "Tests on a real Asterisk"
	@$(BIN)/python -m pytest -q $(BESIDE) -m "asterisk and not alone and not soak" tests/asterisk
	@echo "Tests on a real Asterisk, one at a time"
	@$(BIN)/python -m pytest -q -m "asterisk and alone and not soak" tests/asterisk

soak: $(READY) lab ## the long fault tests, then half an hour of calls and faults (SOAK_MINUTES)
	@$(BIN)/python -m pytest -q -m soak
	@$(BIN)/python -m tests.soak

unit: $(READY) ## the tests that need no real part (seconds)
	@echo "Unit tests"
	@$(BIN)/python -m pytest -q -n auto -m "not asterisk and not postgresql and not browser"

check: $(READY) ## format, lint, types, security, shell scripts, YAML
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --explicit-package-bases
	@$(BIN)/yamllint --strict docker asterisk_siptrunk/monitoring
	@$(BIN)/bandit -q -c pyproject.toml -r asterisk_siptrunk agi_scripts
	@$(BIN)/python -m tests.audit $(BIN)/pip-audit requirements.lock
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS) && echo "Shell scripts: no issues"; \
	else echo "Shell scripts not checked: no shellcheck on this machine"; fi

fuzz: $(READY) ## millions of hostile inputs: make fuzz TARGET=agi INPUTS=1000000
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --group fuzz
	@$(BIN)/python -m tests.fuzz $(or $(TARGET),$(error which TARGET: $(FUZZ_TARGETS))) \
		--inputs $(or $(INPUTS),1000000)

bench: $(READY) lab ## what a call costs (minutes); of the database: bench ONLY=servers, ONLY=rating, ONLY=million (15 minutes); of frauds: ONLY=fraud, ONLY=watch, ONLY=rebuild; of the management interface: ONLY=web
	@$(BIN)/python -m tests.bench$(ONLY:%=.%)

lab: $(READY) ## finds Asterisk, SIPp, PostgreSQL, nftables and Chromium, or makes a private copy once
	@$(BIN)/python -m tests.lab prepare

words: $(READY) ## brings the sentences of pages into the files of translations
	@$(BIN)/python -m tests.words

lock: $(READY) ## renews requirements.lock from pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-strip-extras --all-extras --group dev --upgrade \
		pyproject.toml -o requirements.lock

clean: ## removes what was made here (not the private Asterisk, which other copies share)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or later is needed, and '$(PYTHON)' is not: make PYTHON=python3.11 …" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; }
	@echo "Making the virtual environment (.venv), a minute at most"
	@$(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --clear .venv # made by another Python
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input \
		--require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps -e .
	@touch $@
