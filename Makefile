# The commands of this project. `make help` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CODE := vector_assets vector_assets_tests benchmarks

.PHONY: help install demo test check format soak bench constraints clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Install everything into .venv

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[local,dev]'
	touch $@

test: install ## Run every test
	$(BIN)/pytest

check: install ## Lint, types, layers, and that the definitions load
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dagster definitions validate

format: install ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean: ## Remove what the commands above made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache data

constraints: ## Pin anew what is installed
	{ head -2 constraints.txt; $(BIN)/pip freeze --exclude-editable | sed -E 's/\+cpu$$//'; } > constraints.new && mv constraints.new constraints.txt
