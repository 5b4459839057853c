# Everything starts from Python 3.11+ and make: each target brings the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check bench screenshots format lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: $(STAMP) ## Start the hub: pull, merge, check, publish, then stay up until ctrl-C
	@exec $(BIN)/onerecord run

# In the order of their folders: by number of tests, which is the default, the long kill tests would come last and alone.
# Four at a time, also on two cores: much of the time is waiting for processes that are killed and started again.
test: $(STAMP) $(VENV)/.browser ## Run all tests
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## Lint, types, layers, and models against migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m hub.db.check

bench: $(STAMP) ## Compare the matching engine with others; ARGS="--help" tells what can be chosen
	@$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(STAMP) $(VENV)/.browser ## Take pictures of every page, light and dark, desktop and phone
	@$(BIN)/python -m tests.screenshots

format: $(STAMP) ## Let ruff fix and format what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(STAMP) ## Pin the dependencies of pyproject.toml anew
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-header pyproject.toml -o requirements.lock

clean: ## Remove the environment and the local hub's data
	rm -rf $(VENV) .onerecord

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "OneRecord needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Creating the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9'

# Compiled once, for 40 s: where Python may not write bytecode, every process would compile Dagster and the like anew.
$(STAMP): $(BIN)/uv requirements.lock pyproject.toml
	@echo "Installing the locked dependencies ..."
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

# The browser tests drive a real Chromium. Where none is installed and this is a Debian machine with rights, install it.
$(VENV)/.browser: $(STAMP)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ echo "Installing Chromium for the browser tests ..."; apt-get update -qq >/dev/null && apt-get install -y -qq chromium >/dev/null; } || \
		echo "No Chromium found and it could not be installed: the browser tests will say so."
	@touch $@
