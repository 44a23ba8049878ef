# Everything goes through make. Paths are relative, so that the repository may lie in a folder with a blank in its name.
PYTHON ?= python3
MEMBER ?= alex
SERVICES := api auth-sync realtime-gateway jobs
VENV := .venv/bin
UV := $(VENV)/python libs/devstack/src/rte_devstack/uv.py
STAMP := .venv/.complete
# What is installed in .venv names the folder: a checkout that moved, or whose Python is gone, is set up anew.
PLACE := .venv/.place
IN_PLACE := [ "$$(cat $(PLACE) 2>/dev/null)" = "$$(pwd -P)" ] && [ -x $(VENV)/python ]
$(shell $(IN_PLACE) || rm -f $(STAMP))
# Letters of any language in paths and names, whatever the terminal's; and nothing of another Python of the caller's.
export PYTHONUTF8 := 1
unexport PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX
export PIP_USER := 0
BENCH ?= transactions
# Tests mostly wait for real programs, so two files at a time; the tests of one file share their programs.
PARALLEL := -n 2 --dist loadfile
# Programs that tests need and only Debian provides, as command:package.
DEBIAN_PROGRAMS := node:nodejs npm:npm pgbouncer:pgbouncer
NODE_TESTS := $(patsubst %/package.json,%,$(wildcard tests/js/package.json services/*/tests/js/package.json))

.PHONY: help setup up start down reset status logs token migrate test test-all bench check lock programs
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done

setup: $(STAMP)  ## make .venv and install the workspace into it

# On stderr, because `make token` prints the token and nothing else. The stamp comes last: an interrupted run is done again.
$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
	@exec >&2; set -e; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: Python's venv is missing: apt-get install python3-venv"; exit 1; }; \
	{ $(IN_PLACE) && $(VENV)/python -m pip --version >/dev/null 2>&1; } || { echo "making .venv"; $(PYTHON) -m venv --clear .venv; pwd -P >$(PLACE); }; \
	echo "installing uv"; \
	$(VENV)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt; \
	echo "installing the packages of requirements/dev.txt"; \
	$(UV) pip install --python $(VENV)/python --require-hashes -r requirements/dev.txt; \
	echo "installing the workspace"; \
	$(UV) pip install --quiet --python $(VENV)/python --offline --no-deps $(foreach member,$(wildcard libs/* services/*),--editable ./$(member)); \
	touch $@

up: setup  ## start everything and stay until Ctrl-C
	@$(VENV)/python -m rte_devstack up

start: setup  ## start everything in the background
	@$(VENV)/python -m rte_devstack up --detach

down: setup  ## stop everything
	@$(VENV)/python -m rte_devstack down

reset: setup  ## stop everything and delete the stack's data
	@$(VENV)/python -m rte_devstack reset

status: setup  ## what runs where
	@$(VENV)/python -m rte_devstack status

logs: setup  ## follow the logs (PART=api for one)
	@$(VENV)/python -m rte_devstack logs $(PART)

token: setup  ## print a session token (MEMBER=alex LIFETIME=3600 ORG=...)
	@$(VENV)/python -m rte_devstack token --member "$(MEMBER)" $(if $(LIFETIME),--lifetime "$(LIFETIME)") $(if $(ORG),--org "$(ORG)")

migrate: setup  ## bring the running stack's database to the newest schema
	@$(VENV)/python -m rte_devstack migrate

test: setup programs  ## all tests but the slow ones
	@$(VENV)/python -m pytest -m "not nightly" $(PARALLEL)

test-all: setup programs  ## all tests
	@$(VENV)/python -m pytest $(PARALLEL)

bench: setup  ## measure (BENCH=api, exports, fanout, soak or transactions)
	@$(VENV)/python tests/bench/$(BENCH).py

check: setup  ## lint, format, types, and who may import whom
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/mypy libs services tests
	@$(VENV)/lint-imports

lock: setup  ## resolve the dependencies and write requirements/*.txt
	@$(UV) lock -q
	@set -e; for service in $(SERVICES); do \
	  $(UV) export -q --frozen --no-header --no-annotate --no-emit-workspace --no-dev --package "rte-$$service" -o "requirements/$$service.txt"; \
	done
	@$(UV) export -q --frozen --no-header --no-annotate --no-emit-workspace --all-packages --all-groups -o requirements/dev.txt
	@! grep -n -e '://' -e '^-' requirements/*.txt || { echo "error: a host or a path got into the lines above"; exit 1; }

programs:
	@missing=""; for pair in $(DEBIAN_PROGRAMS); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing for the tests:$$missing"; apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
	else echo "missing, so tests that need them are skipped:$$missing"; fi
	@set -e; for folder in $(NODE_TESTS); do \
	  if command -v npm >/dev/null && [ "$$folder/package-lock.json" -nt "$$folder/node_modules/.package-lock.json" ]; then \
	    echo "installing npm packages in $$folder"; (cd "$$folder" && npm ci --no-audit --no-fund --loglevel=error); \
	  fi; \
	done
