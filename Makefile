# README's two commands are `make demo` and `make test`; they need python3 (3.11 or newer, with venv) and nothing else.
PYTHON ?= python3
JOBS   ?= auto
ROW    ?= all
BIN    := .venv/bin
READY  := .venv/ready

.PHONY: demo test lint assure bench lock clean

demo: $(READY)
	@$(BIN)/shopctl demo

test: $(READY)
	$(BIN)/pytest -q -n $(JOBS) --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# A check of docs/assurance.md with its full count: make assure ROW=S17, or all of them.
assure: $(READY)
	SHOPCTL_ASSURE=full $(BIN)/pytest -q --assure-row $(ROW)

# The figures of docs/figures.md, one JSON object each; their peers come first.
bench: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@for script in benchmarks/p[0-9]*.py; do $(BIN)/python $$script || exit 1; done

# What is installed is what requirements/ pins, hash by hash. The project itself comes last, without looking further.
$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("shopctl needs Python 3.11 or newer; name one with: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Pins anew what pyproject.toml allows; made with Python 3.11, the oldest release, whose needs are the widest.
COMPILE = .venv/lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-annotate --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock:
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet pip-tools
	$(COMPILE) --extra=postgres --extra=xlsx --output-file=requirements/runtime.txt pyproject.toml
	$(COMPILE) --extra=postgres --extra=xlsx --extra=test --extra=dev --output-file=requirements/dev.txt pyproject.toml
	$(COMPILE) --extra=postgres --extra=xlsx --extra=test --extra=dev --extra=bench \
		--output-file=requirements/bench.txt pyproject.toml

clean:
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
