# fazhi: two commands do it all on a machine with Python >= 3.11, git and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
CI_VENV := .venv-ci
CI_STAMP := $(CI_VENV)/.installed-$(shell cksum < requirements.ci.lock | cut -d' ' -f1)

.DEFAULT_GOAL := help
.PHONY: help install ci-tools demo test test-all up down status lint format docs pictures bench performance soak lock clean secrets image bundle sbom

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fazhi needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.installed-*; touch $@

$(CI_STAMP): requirements.ci.lock
	@test -x $(CI_VENV)/bin/python || $(PYTHON) -m venv $(CI_VENV)
	@$(CI_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.ci.lock
	@rm -f $(CI_VENV)/.installed-*; touch $@

install: $(STAMP) ## make .venv with the locked packages

ci-tools: $(CI_STAMP) ## make .venv-ci: Docker Compose and the checkers of images and manifests, for the tests of the stack

demo: install ## the main job end to end on a real scheduler (about five minutes)
	@$(BIN)/python -m fazhi.demo

test: install ## all tests that this machine can run, under 15 minutes
	@$(BIN)/python -m pytest -n 2 --dist loadfile

secrets: ## fresh passwords and keys for docker-compose.yaml, in secrets/
	@$(PYTHON) include/deploy/make_secrets.py

image: ## the image that docker-compose.yaml runs (PYTHON_IMAGE names its base)
	@docker build --build-arg PYTHON_IMAGE=$(or $(PYTHON_IMAGE),python:3.11-slim-bookworm) -t fazhi:$(VERSION) .

up: install ## Airflow in the background; prints the address and a generated password
	@$(BIN)/python -m fazhi.services up

down: ## end exactly what `make up` started
	@$(BIN)/python -m fazhi.services down

status: ## what is running
	@$(BIN)/python -m fazhi.services status

lint: install ## ruff, mypy, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: install ## write what the formatter wants
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

docs: install ## regenerate suites, rule pages, DAG pages and the published samples (tests fail when one is stale)
	@for page in fazhi.validate.suites fazhi.validate.catalogue fazhi.services.dag_page fazhi.synth; do \
	  $(BIN)/python -m $$page || exit 1; done

pictures: install ## take the pictures of the steward's guide anew (a browser and a minute of Airflow)
	@FAZHI_TIER=ci $(BIN)/python -m pytest -q tests/e2e/desk
	@for picture in today-zh-light:today submission:submission return-preview:return-preview score:score year:year; do \
	  cp var/screenshots/desk/$${picture%%:*}.png docs/pictures/$${picture##*:}.png || exit 1; done

bench: install ## ratios against named baselines
	@for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

RESULTS ?= var/performance
performance: install ## measure whole nights and write docs/performance.md (FAZHI_BENCH chooses the tier)
	@mkdir -p $(RESULTS)
	@for bench in year backfill same_checks:same airflow; do \
	  $(BIN)/python tests/benchmarks/bench_$${bench%%:*}.py --json $(RESULTS)/$${bench##*:}.json || exit 1; done
	@$(BIN)/python tests/benchmarks/workers.py --json $(RESULTS)/workers.json || test $$? = 2
	@test -z "$(FAZHI_BENCH)" || for bench in validation resubmission intake; do \
	  FAZHI_BENCH=full $(BIN)/python tests/benchmarks/bench_$$bench.py > $(RESULTS)/$$bench.txt || exit 1; done
	@$(BIN)/python tests/benchmarks/write_performance.py $(RESULTS)

SBOM ?= dist/sbom.json
sbom: install ## what the product consists of, as CycloneDX (SBOM names the file)
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/cyclonedx-py requirements requirements.runtime.lock --pyproject pyproject.toml --short-PURLs \
	  --output-reproducible --of JSON -o $(SBOM) >/dev/null

BUNDLE ?= dist/fazhi-$(VERSION)
bundle: sbom ## everything that a closed network needs, in BUNDLE (IMAGES="a b" adds images of the local engine)
	@$(BIN)/python -m fazhi.services.bundle make $(BUNDLE) --sbom $(SBOM) $(foreach image,$(IMAGES),--image $(image))

soak: install ## the long and the random; by hand
	@FAZHI_SOAK=1 $(BIN)/python -m pytest -m soak

lock: ## resolve requirements.lock anew (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-header --custom-compile-command "make lock" --quiet -o requirements.lock
	@uv pip compile pyproject.toml --extra image --constraint requirements.lock --universal --generate-hashes \
	  --python-version 3.11 --no-emit-index-url --no-header --custom-compile-command "make lock" --quiet \
	  -o requirements.runtime.lock
	@uv pip compile --group ci --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
	  --custom-compile-command "make lock" --quiet -o requirements.ci.lock

clean: ## remove what runs leave behind; .venv stays
	@test ! -x $(BIN)/python || $(BIN)/python -m fazhi.services down >/dev/null 2>&1 || true
	@rm -rf var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis great_expectations/uncommitted
