# Everything goes through make. Paths are relative, so that the repository may lie in a folder with a blank in its name.
PYTHON ?= python3
MEMBER ?= alex
SERVICES := api auth-sync realtime-gateway jobs web
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
BENCHES := api exports fanout page soak transactions
# Tests mostly wait for real programs, so two files at a time; the tests of one file share their programs.
PARALLEL := -n 2 --dist loadfile
# Programs that tests need and only Debian provides, as command:package.
DEBIAN_PROGRAMS := pgbouncer:pgbouncer chromium:chromium
NODE_TESTS := $(patsubst %/package.json,%,$(wildcard tests/js/package.json services/*/tests/js/package.json))

# Recipes read them as "$$MEMBER", so that the shell sees one word, whatever characters they hold.
export MEMBER BENCH
STACK := $(VENV)/python -m rte_devstack
# Runs a command with a Node that is new enough in its PATH: Debian's 18 is not.
NODE := $(VENV)/python -m rte_devstack.node
# Installs what web/ needs, and builds it, when it has changed.
WEB := $(VENV)/python -m rte_devstack.web_client
# What needs nothing but a Python, however old.
BARE := PYTHONPATH=libs/devstack/src PYTHONDONTWRITEBYTECODE=1 "$(PYTHON)" -m
NO_PYTHON := there is no $(PYTHON): install Python 3.11 or newer (apt-get install python3 python3-venv), or name one with PYTHON=
DOCTOR := { command -v "$(PYTHON)" >/dev/null || { echo "error: $(NO_PYTHON)" >&2; false; }; } && $(BARE) rte_devstack.doctor
# After a failure: what this machine lacks for $(1), unless the exit code $(2) says Ctrl-C; then the exit code as it was.
explained = || { code=$$?; [ $$code = $(2) ] || $(DOCTOR) --bad $(1); exit $$code; }
SET_UP = $(MAKE) -s setup $(call explained,setup,130)
# What only looks at a stack installs nothing to find that none runs.
WHERE_INSTALLED := $(if $(wildcard .venv),setup)
IF_RUNNING = [ -e $(VENV)/python ] || { echo "error: nothing runs, nor is anything installed: start it with \`make up\`" >&2; exit 1; }
NO_STACK = { [ ! -e $(VENV)/python ] && [ ! -e "$${RTE_STACK_DIR:-.devstack}/secrets.json" ]; }

.PHONY: help setup up start down reset status logs token watch migrate doctor test test-all bench check lock programs a-bench web-dev test-web
.DEFAULT_GOAL := help

# A name that is no target. Files that exist need no rule and do not come here.
.DEFAULT:
	+@$(BARE) rte_devstack.hints "make target" "$@" $$(sed -n 's/^\([a-z-]*\):.*##.*/\1/p' Makefile)

help:  ## this list
	@awk '/^##@ / { print "\n" substr($$0, 5) } \
	  /^##= / { name = $$2; sub(/^##= [^ ]+ */, ""); printf "  %-27s%s\n", name, $$0 } \
	  /^[a-z-]+:.*## / { name = $$0; sub(/:.*/, "", name); sub(/.*## */, ""); printf "  %-10s%s\n", name, $$0 }' Makefile

##@ Run it
up:  ## start everything and stay until Ctrl-C
	+@$(SET_UP)
	@$(STACK) up

start:  ## start everything in the background
	+@$(SET_UP)
	@$(STACK) up --detach

down:  ## stop everything
	+@if $(NO_STACK); then echo "nothing ran"; else $(SET_UP); fi
	@$(NO_STACK) || exec $(STACK) down

reset:  ## stop everything and delete the stack's data; asks before (YES=1: does not)
	+@if $(NO_STACK); then echo "nothing ran, and there is nothing to delete"; else $(SET_UP); fi
	@$(NO_STACK) || exec $(STACK) reset $(if $(filter 1 y yes true,$(YES)),--yes)

migrate: $(WHERE_INSTALLED)  ## bring the running stack's database to the newest schema
	@$(IF_RUNNING); exec $(STACK) migrate

##@ Look at it
status: $(WHERE_INSTALLED)  ## what runs where
	@$(IF_RUNNING); exec $(STACK) status

logs: $(WHERE_INSTALLED)  ## follow the logs (PART=api, or several: PART="api nats")
	@$(IF_RUNNING); exec $(STACK) logs "$$PART"

token: $(WHERE_INSTALLED)  ## print a session token (MEMBER, LIFETIME, ORG)
	@$(IF_RUNNING); exec $(STACK) token --member="$$MEMBER" $${LIFETIME+"--lifetime=$$LIFETIME"} $${ORG:+"--org=$$ORG"}

watch: $(WHERE_INSTALLED)  ## print what happens in a member's team, live (MEMBER)
	@$(IF_RUNNING); exec $(STACK) watch --member="$$MEMBER"

doctor:  ## what this machine has and lacks for running and testing
	@$(DOCTOR)

##@ Develop
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

web-dev: $(WHERE_INSTALLED)  ## the web client with hot reload, against the running stack
	@$(IF_RUNNING); exec $(STACK) web-dev

test:  ## all tests but the slow ones
	+@$(SET_UP)
	+@$(MAKE) -s programs test-web
	@trap : INT; $(NODE) $(VENV)/python -m pytest -m "not nightly" $(PARALLEL) $(call explained,test,2)

test-all:  ## all tests
	+@$(SET_UP)
	+@$(MAKE) -s programs test-web
	@trap : INT; $(NODE) $(VENV)/python -m pytest $(PARALLEL) $(call explained,test,2)

# Tests of the whole stack look at what is built here.
test-web:
	@$(WEB) && $(NODE) npm --prefix web --silent test

bench: a-bench setup  ## measure (BENCH=api, exports, fanout, page, soak or transactions)
	@$(VENV)/python "tests/bench/$$BENCH.py"

a-bench:
	@case " $(BENCHES) " in *" $$BENCH "*) ;; *) $(BARE) rte_devstack.hints bench "$$BENCH" $(BENCHES);; esac

check: setup  ## lint, format, types, and who may import whom; web/ too
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/mypy libs services tests
	@$(VENV)/lint-imports
	@$(WEB) install && $(NODE) npm --prefix web --silent run check

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
	  if ! [ "$$folder/node_modules/.package-lock.json" -nt "$$folder/package-lock.json" ]; then \
	    echo "installing npm packages in $$folder"; $(NODE) npm --prefix "$$folder" ci --no-audit --no-fund --loglevel=error; \
	  fi; \
	done

##@ Variables, as in: make token MEMBER=maria
##= RTE_PORT=8080 the first of the ports of the stack, on which Traefik listens
##= DEMO= live: colleagues publish, move and finish while it runs (up, start)
##= RTE_STACK_DIR=.devstack where the stack keeps its data; both name another one: a second stack
##= RTE_WEB_BUILD=yes no: serve the web client as it was built before, or none
##= PYTHON=python3 what .venv is made with: 3.11 or newer
##= MEMBER=alex alex, maria, david or sophia; also an id or e-mail address
##= LIFETIME=60 seconds that a token lasts
##= ORG= id or slug of the token's organization (TEAM_MODE=organizations)
##= PART= one part or several of those that make status lists
##= BENCH=transactions api, exports, fanout, page, soak or transactions
##= YES= 1: do not ask before data is deleted
