# Two commands do everything: `make run` and `make test`. They need Python 3.11 or later, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCENARIO ?= cpo-512
READY := $(VENV)/.ready

.PHONY: run test lint unit verify notebooks bench clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

run: $(READY)  ## simulate a packaged scenario and show its answer (SCENARIO=cpo-512)
	$(BIN)/fdmc run $(SCENARIO) --out results/$(SCENARIO)

test: lint notebooks unit  ## lint, types, layers, notebooks, tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

unit: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist loadscope -m 'not verification'

verify: $(READY)  ## slow statistical verification
	$(BIN)/python -m pytest -q -n 2 -m verification

notebooks: $(READY)  ## run every notebook from its source
	$(BIN)/python -m notebooks

bench: $(READY)  ## regenerate benchmarks/RESULTS.md (compares with peers)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks.throughput --write-results

clean:
	rm -rf $(VENV) results .pytest_cache .ruff_cache .hypothesis
