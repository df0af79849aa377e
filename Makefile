# docent: every command of the repository. `make help` lists them.
# Each target sets up what it needs in .venv; nothing is installed twice.

SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help

DOCENT := .venv/bin/docent
FILE ?= pipeline.yaml
PHOTOS ?=
RUN ?= $(if $(PHOTOS),mine,)
SET ?=
KUBECTL ?= kubectl
TIMEOUT_S ?= 86400

# A folder of one's own: one subfolder per exhibit, with photos and description.txt.
_photos = $(if $(PHOTOS),--set ingest.sources.0.kind=exhibits-folder --set 'ingest.sources.0.path=$(PHOTOS)')
_flags = $(if $(RUN),--run $(RUN)) $(_photos) $(foreach s,$(SET),--set '$(s)')

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

.venv/%.stamp: pyproject.toml scripts/install.sh
	@echo "installing what '$*' needs into .venv (once)"
	@scripts/install.sh $*
	@touch $@

.PHONY: setup
setup: .venv/run.stamp ## Make the virtual environment

.PHONY: run-pipeline
run-pipeline: setup ## Run everything and print the report's path (FILE=, RUN=, PHOTOS=folder, SET="a.b=c ...")
	@$(DOCENT) run $(FILE) --yes $(_flags)

.PHONY: doctor
doctor: setup ## Name everything that is missing on this machine
	@$(DOCENT) doctor $(FILE)

.PHONY: test
test: .venv/dev.stamp ## Unit and integration tests: no cluster, browser, key or GPU needed
	@.venv/bin/pytest

.PHONY: test-browser
test-browser: .venv/dev.stamp .venv/browser.stamp ## The report in a real browser (needs chromium)
	@.venv/bin/pytest tests/browser

.PHONY: test-cluster
test-cluster: .venv/dev.stamp ## The run on a cluster (KUBECONFIG; the images must be there: make images images-load)
	@.venv/bin/pytest tests/cluster --force-enable-socket

.PHONY: prove
prove: .venv/dev.stamp run-pipeline ## The long proofs: kills, permuted photos (writes docs/proofs.json)
	@.venv/bin/python scripts/prove/kills.py
	@.venv/bin/python scripts/prove/permuted.py

.PHONY: bench
bench: .venv/dev.stamp ## Measure the default run and print a table for docs/benchmarks.md
	@.venv/bin/python scripts/bench/default_run.py

.PHONY: lint
lint: .venv/dev.stamp ## Ruff and mypy --strict
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

.PHONY: apply
apply: ## Apply manifests/ in order to the current kube context, waiting for every stage (KUBECTL=, TIMEOUT_S=)
	@KUBECTL='$(KUBECTL)' TIMEOUT_S='$(TIMEOUT_S)' scripts/apply.sh

.PHONY: generate
generate: setup ## Rewrite everything that is generated
	@.venv/bin/python scripts/generate.py

.PHONY: verify
verify: setup ## Fail when something generated is out of date
	@.venv/bin/python scripts/generate.py --check

.PHONY: clean
clean: ## Delete the runs and caches (not the virtual environment)
	rm -rf runs .pytest_cache .mypy_cache .ruff_cache
