# make demo, make test, make lint, make types, make wheel, make docs, make release, make test-versions. Python 3.11 or newer: make PYTHON=python3.12 ...
# A CPU-only PyTorch where the index offers CUDA builds first:
#   make test PIP_OPTIONS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
PIP_OPTIONS ?=
VENV := .venv
WHEEL := .venv-wheel
BIN := $(VENV)/bin
ROOMS := plasticity models protocols recordings
SOURCES := $(shell find $(ROOMS) -type f -not -name '*.pyc')

.PHONY: demo test test-thorough test-processors test-versions lint types wheel docs release clean

demo: $(VENV)/.installed
	$(BIN)/apical demo

# Bytecode is kept whatever the environment says: every worker would rewrite the assertions of 300 files, every command under test compile Apical.
test: $(VENV)/.installed
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

# What takes a minute or two and must hold before a change is taken: a package outside of Apical in every command, additions to a copy of the rooms, the
# mutants of a replay, kills at the writes of checkpoints, the demo with a replay.
test-thorough: $(VENV)/.installed
	$(BIN)/pytest -q -n 2 -m slow -k "not three_seeds and not every_write and not quota" tests/outside tests/house tests/protocols/test_demo.py \
	  tests/protocols/replay/test_mutants.py tests/protocols/train/test_kills_in_turn.py

# Learning and exactness as on other processors: other instructions, other threads, other last bits. One line each.
test-processors: $(VENV)/.installed
	$(BIN)/python tests/processors.py

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Types are checked as a user's checker sees them: on the installed wheel. An editable install hides them from mypy.
types: $(WHEEL)/.installed
	cd $(WHEEL) && ../$(BIN)/mypy --config-file ../pyproject.toml --python-executable bin/python \
	  --cache-dir ../.mypy_cache -p apical

# The wheel is complete: it runs from a folder that has no sources.
wheel: $(WHEEL)/.installed
	cd $(WHEEL) && bin/apical --help > /dev/null && bin/apical config show demo > /dev/null
	cd $(WHEEL) && bin/python -c 'import apical, sys; assert "site-packages" in apical.__file__ and "torch" not in sys.modules; \
	  assert "site-packages" in apical.models.__file__ and apical.__version__ and apical.Run and apical.train'
	@echo "wheel: installed and run from another folder"

# The site: docs/_build/html/index.html. Notebooks are executed, warnings are errors, two pages at a time; then its tests, slow ones too.
docs: $(VENV)/.installed
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet --jobs 2 docs docs/_build/html
	$(BIN)/pytest -q -n 2 -m "slow or not slow" tests/docs
	@echo "docs: docs/_build/html/index.html"

# What is published: dist/*.whl and dist/*.tar.gz, whose description is checked, and whose wheel is made from the sdist.
release: $(VENV)/.installed
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python tests/release.py dist

# The oldest and the newest versions that pyproject.toml allows, an environment each in .venv-versions; needs an index and gigabytes.
test-versions:
	$(PYTHON) tests/versions.py

# The stamp is newer than pyproject.toml once everything is installed: a second call starts at once.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Error: expected Python 3.11 or newer, got $$($(PYTHON) --version 2>&1); choose one: make PYTHON=python3.12" >&2; \
	  exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_OPTIONS) -e '.[dev]'
	@touch $@

# Fresh each time the sources change. Dependencies are read from .venv (a path line in a .pth file adds the packages there,
# not its editable finder), so that PyTorch is installed once.
$(WHEEL)/.installed: $(VENV)/.installed $(SOURCES)
	rm -rf $(WHEEL) build
	$(PYTHON) -m venv --without-pip $(WHEEL)
	$(BIN)/python -m pip wheel --quiet $(PIP_OPTIONS) --no-deps --wheel-dir $(WHEEL)/dist .
	$(BIN)/python -m pip --python $(WHEEL)/bin/python install --quiet --no-deps --no-index $(WHEEL)/dist/*.whl
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > "$$($(WHEEL)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth"
	rm -rf build
	@touch $@

clean:
	rm -rf $(VENV) $(WHEEL) .venv-versions build dist docs/_build docs/generated .mypy_cache .pytest_cache .ruff_cache .hypothesis
