# Two commands do everything: `make bench` and `make test`. Both set up first what is missing; see `make help`.
PYTHON      ?= python3
PROFILE     ?= quick
# The GPU build of ONNX Runtime where an NVIDIA driver answers, else the CPU build; never both.
ifndef ACCELERATOR
ACCELERATOR := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
endif

BIN     := .venv/bin
RUNTIME := .venv/.installed-$(ACCELERATOR)
DEV     := .venv/.installed-dev-$(ACCELERATOR)
# Version 2 is built last: with it there are both.
MODELS  := models/efficientnet-lite/2/model.toml
PHOTOS  := data/catalogue

.PHONY: help setup bench test test-peers check format lock clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUNTIME) $(MODELS) $(PHOTOS)  ## Install the dependencies, build the models, make the photos

bench: setup  ## Compare the three architectures: PROFILE=smoke|quick|full, or a .toml file
	@$(BIN)/sweetspot run --profile $(PROFILE)

test: setup $(DEV)  ## Run all tests
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-peers: setup $(DEV)  ## Test our client against MLServer and KServe; installs both
	@$(BIN)/python -c 'from bench.peers import environment as e, peer; [e.ready(p) or e.install(p) for p in peer.find(["mlserver", "kserve"])]'
	@SWEETSPOT_TEST_PEERS=1 $(BIN)/python -m pytest tests/contract/test_predictor.py -k "mlserver or kserve"

check: $(RUNTIME) $(DEV)  ## Lint, format, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(DEV)  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(DEV)  ## Pin requirements/*.txt and those of the peers anew from their *.in
	@for set in requirements/cpu requirements/gpu requirements/dev $(basename $(wildcard bench/peers/*/requirements.in)); do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-emit-index-url --no-config --custom-compile-command "make lock" \
	  $$set.in -o $$set.txt; done

clean:  ## Remove what was set up; runs/ stays
	rm -rf .venv .venv-peers models data *.egg-info

# uv where it is on the path, else pip: the same pinned, hashed files.
UV      := $(shell command -v uv 2>/dev/null)
VENV    := $(if $(UV),uv venv -q --allow-existing --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)
INSTALL := $(if $(UV),uv pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sweetspot needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@$(VENV) || { rm -rf .venv; exit 1; }

# One part of the set-up: what it is, a dot for every two seconds, how long it took. $(1): words, $(2): commands.
part = @printf '%s ' $(1); begun=$$(date +%s); ( $(2) ) & part=$$!; \
  while kill -0 $$part 2>/dev/null; do sleep 1; printf .; sleep 1; done; \
  wait $$part || { echo " failed"; exit 1; }; echo " $$(( $$(date +%s) - begun )) s"

$(RUNTIME): requirements/$(ACCELERATOR).txt pyproject.toml | $(BIN)/python
	@$(if $(filter-out $@,$(wildcard .venv/.installed-?pu)),$(VENV) --clear)
	$(call part,"Installing the dependencies ($(ACCELERATOR))",$(INSTALL) --require-hashes -r $< && $(INSTALL) --no-deps --no-build-isolation -e .)
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	$(call part,"Installing the tools for tests and checks",$(INSTALL) --require-hashes -r $<)
	@touch $@

$(MODELS): $(wildcard vision/*.py) | $(RUNTIME)
	$(call part,"Building both versions of the model",$(BIN)/python -m vision build >/dev/null)
	@touch $@

$(PHOTOS): | $(RUNTIME)
	$(call part,"Making the catalogue of photos",$(BIN)/python -m webapp catalogue --out $@ >/dev/null)
