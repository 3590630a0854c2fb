# `make demo` does the main job, `make test` runs the tests; each sets up what it needs the first time, in $(VENV).
# Needs Python 3.11 or newer, make, and (the first time) the package index. Variables can be set on the command line:
#   make test PYTHON=python3.12             another Python
#   make test PYTEST_ARGS='-k conv -x'      arguments for pytest
#   make test WORKERS=0                     one file after the other, in one process
#   make test CONSTRAINTS=                  the newest versions instead of those in constraints.txt

PYTHON      ?= python3
VENV        ?= .venv
CONSTRAINTS ?= constraints.txt
EXTRAS      ?= test proofs sweep plot optimize fast numba notebook capacity topology onnx
PYTEST_ARGS ?=
WORKERS     ?= auto

# -P keeps this folder off the path: `layers` is imported as `layeralgebra.layers` or not at all.
VPYTHON := $(VENV)/bin/python -P
PIP     := $(VPYTHON) -m pip install --quiet --disable-pip-version-check $(addprefix --constraint ,$(CONSTRAINTS))
PYTEST  := $(VPYTHON) -m pytest --numprocesses $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help core setup demo test full proofs theorems bench notebooks docs latex lint stubs clean distclean force
.DELETE_ON_ERROR:

help:
	@echo 'make demo        the main job: closed forms of ResNet-50 and of a layer from its equation alone'
	@echo 'make test        the tests (minutes)'
	@echo 'make full        the tests with at least 500 examples for each property, and the slow ones (long)'
	@echo 'make proofs      the tests of the laws and of what proves them'
	@echo 'make theorems    the theorems about all networks, and their folds on a thousand networks against the engine'
	@echo 'make bench       the benchmarks, as Markdown tables'
	@echo 'make notebooks   run the notebooks and keep their output in them'
	@echo 'make docs        the documentation as a site, in build/site/html'
	@echo 'make latex       the formulas of the demo as LaTeX, and as PDF where pdflatex is installed'
	@echo 'make lint        ruff, who imports whom, and mypy'
	@echo 'make stubs       write layeralgebra/__init__.pyi, the public names for editors'
	@echo 'make core        only set up what `make demo` needs;  make setup: what `make test` needs'
	@echo 'make clean       remove what was built;  make distclean: the environment as well'

# ---- the environment: three steps, each with a stamp, so that a second run finds everything done ----

# A checkout that was moved or copied, or whose Python is gone, is set up anew: its environment points elsewhere.
ifneq ($(shell cat $(VENV)/.made-in 2>/dev/null && $(VENV)/bin/python -c '' 2>/dev/null && echo runs),$(CURDIR) runs)
$(VENV)/.made-in: force
endif

$(VENV)/.made-in:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'layeralgebra needs Python 3.11 or newer, and $(PYTHON) is not; name one that is: make PYTHON=python3.12 ...' >&2; \
	  exit 1; }
	@echo 'setting up $(VENV) with $(PYTHON); this is done once'
	@$(PYTHON) -m venv $(if $(wildcard $@),--clear) $(VENV) || { \
	  echo '$(PYTHON) cannot make a virtual environment; on Debian or Ubuntu install python3-venv' >&2; exit 1; }
	@echo '$(CURDIR)' > $@

$(VENV)/.core: $(VENV)/.made-in pyproject.toml $(CONSTRAINTS)
	@$(PIP) 'setuptools>=77'
	@$(PIP) --no-build-isolation --editable .
	@touch $@

comma := ,
empty :=
$(VENV)/.extras: $(VENV)/.core
	@echo 'installing the extras: $(EXTRAS)'
	@$(PIP) --no-build-isolation --editable '.[$(subst $(empty) $(empty),$(comma),$(strip $(EXTRAS)))]' || { \
	  echo 'not all at once; one by one, and what cannot be had here is left out:' >&2; \
	  $(PIP) --no-build-isolation --editable '.[test]' || exit 1; \
	  for extra in $(EXTRAS); do \
	    $(PIP) --no-build-isolation --editable ".[$$extra]" || echo "LEFT OUT: $$extra; its tests will be skipped" >&2; \
	  done; }
	@touch $@

$(VENV)/.lint: $(VENV)/.core
	@$(PIP) --no-build-isolation --editable '.[lint]'
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	@$(PIP) --no-build-isolation --editable '.[docs]'
	@touch $@

core: $(VENV)/.core
setup: $(VENV)/.extras

# ---- what to do with it ----

demo: $(VENV)/.core
	@$(VENV)/bin/layeralgebra demo

test: $(VENV)/.extras
	@$(PYTEST) $(PYTEST_ARGS)

full: $(VENV)/.extras
	@LAYERALGEBRA_PROFILE=full $(PYTEST) --slow $(PYTEST_ARGS)

proofs: $(VENV)/.extras
	@$(PYTEST) -k 'law or proof or prover or verdict' $(PYTEST_ARGS)

theorems: $(VENV)/.extras
	@$(PYTEST) --slow tests/test_theorems.py tests/test_proofs_coq.py -k 'theorem or network or slip or fold' $(PYTEST_ARGS)

bench: $(VENV)/.extras
	@$(VPYTHON) benchmarks/run.py

notebooks: $(VENV)/.extras
	@$(VPYTHON) docs/notebooks.py

docs: $(VENV)/.docs
	@$(VPYTHON) docs/site/build.py build/site

latex: $(VENV)/.core
	@$(VENV)/bin/layeralgebra demo --latex out
	@if command -v pdflatex >/dev/null; then cd out && for tex in *.tex; do \
	  pdflatex -interaction=nonstopmode -halt-on-error "$$tex" >/dev/null || exit 1; done; ls *.pdf; \
	else echo 'pdflatex is not installed: LaTeX only' >&2; fi

lint: $(VENV)/.lint
	@$(VENV)/bin/ruff check .
	@$(VPYTHON) tests/structure.py
	@tests/typecheck.sh $(VENV)/bin/python

stubs: $(VENV)/.extras
	@$(VPYTHON) tests/public_stub.py

clean:
	rm -rf build dist out *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find algebra layers proofs layeralgebra tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
