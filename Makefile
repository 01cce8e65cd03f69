# Every target works on a fresh machine with Python 3.11 to 3.13 and make; `make help` lists them.
# A line that begins with ##@ is a heading of that list.
PYTHON := .venv/bin/python
# The first that runs, the images' own version before newer ones: a version manager's shim may stand in the path and start nothing.
SYSTEM_PYTHON ?= $(firstword $(foreach version,3.11 3.12 3.13,$(shell python$(version) -c "import sys; print(sys.executable)" 2>/dev/null)))
export UV_PYTHON_DOWNLOADS := never
# A credit model of yours may be anywhere that your own PYTHONPATH names.
export PYTHONPATH := .$(if $(PYTHONPATH),:$(PYTHONPATH))
# Some machines set this: then every process would compile every library again.
unexport PYTHONDONTWRITEBYTECODE
export OMP_WAIT_POLICY := PASSIVE
# Matrices are small here: more threads of numpy's library wait, spinning, more than they work.
export OPENBLAS_NUM_THREADS := 1
PORT ?= 8080
LENDING_PORT ?= 8081
DASHBOARD_PORT ?= 8501
# Tests of one file, or of one expensive thing, run in one process: tests/support/scheduling.py.
PARALLEL ?= --numprocesses auto --maxprocesses 4
QUICK_TESTS := not (trained or timing or soak or slow or environments)
ENVIRONMENT ?= prod
URL ?= http://localhost:$(PORT)

.DEFAULT_GOAL := help
.PHONY: help setup lock run lending dashboard train serve pipeline stress quick test untimed lint types unit test-environments coverage infra-check infra-mutations stack-test soak bench bench-peers bench-accuracy bench-training gate-errors monitoring-errors load client openapi documents alerts notebook screenshots charts cost sbom source-archive plan-offline plan-tables terraform-lock bootstrap plan release promote serving rollback runbook restore-drill

help: ## show this list
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Set up

setup: .venv/complete ## make .venv with everything that development needs, as locked

# uv is the only thing pip installs: one hash-pinned package without dependencies, so any pip works.
.uv/complete: infra/uv.txt
	@test -n "$(SYSTEM_PYTHON)" || { echo "error: Python 3.11, 3.12 or 3.13 is needed; set SYSTEM_PYTHON to its path" >&2; exit 1; }
	@test ! -L .uv || { echo "error: .uv is a link; its target is another clone's, which must not be cleared" >&2; exit 1; }
	$(SYSTEM_PYTHON) -m venv --clear .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.venv/complete: uv.lock .uv/complete
	.uv/bin/uv sync --quiet --frozen --python $(SYSTEM_PYTHON)
	touch $@

lock: .uv/complete ## resolve pyproject.toml into uv.lock and export the requirement files; UPGRADE=1 takes the newest releases
	sh infra/lock.sh $(if $(UPGRADE),upgrade)

##@ Run

run: setup ## serve on PORT (default 8080) and train the bundled models that the model store lacks
	exec $(PYTHON) infra/local/run.py --port $(PORT)

lending: setup ## serve the loan book on LENDING_PORT (default 8081), with an embedded PostgreSQL and seeded data, and scoring on PORT
	exec $(PYTHON) infra/local/lending.py --port $(LENDING_PORT) --scoring-port $(PORT)

dashboard: setup ## serve the dashboard on DASHBOARD_PORT (default 8501), over scoring, a seeded loan book and a local sign-in
	exec $(PYTHON) infra/local/dashboard.py --port $(DASHBOARD_PORT) --lending-port $(LENDING_PORT) --scoring-port $(PORT)

train: setup ## train and publish every bundled model to the model store
	$(PYTHON) -m training train --model application
	$(PYTHON) -m training train --model card_default
	$(PYTHON) -m training train --model german_credit
	$(PYTHON) -m training train --model customer
	$(PYTHON) -m training train --model bureau
	$(PYTHON) -m training train --model instalment

serve: setup ## serve on PORT (default 8080)
	PORT=$(PORT) exec $(PYTHON) -m functions.scoring

pipeline: setup ## one day of the data pipeline: three local sources, lake, warehouse, features, training, monitoring; DAY=2026-11-28
	$(PYTHON) infra/local/pipeline.py --open $(if $(DAY),--day $(DAY))

stress: setup ## send 1,000 requests, 10 at a time, to a running service; ONE=1 sends a single one
	$(PYTHON) infra/local/stress.py --url $(URL) $(if $(ONE),--requests 1 --clients 1)

##@ Test

quick: lint types ## lint, types and the tests that need no training, no exact timing and no environment of their own
	$(PYTHON) -m pytest $(PARALLEL) -m "$(QUICK_TESTS)"

test: lint types unit ## lint, types and every test but those of test-environments

untimed: lint types ## `make test` without the tests that measure time, for a machine that also does other things
	$(PYTHON) -m pytest $(PARALLEL) -m "not timing and not environments"

lint: setup ## ruff, as strict as it gets
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: setup ## mypy --strict on code and tests
	.venv/bin/mypy

unit: setup ## the tests of `make test`: those that measure time run first, alone
	$(PYTHON) -m pytest -m "timing and not environments"
	$(PYTHON) -m pytest $(PARALLEL) -m "not timing and not environments"

test-environments: setup ## tests in environments of their own: installed requirement files, images, the browser, Terraform, a fresh clone
	$(PYTHON) -m pytest -m "environments and timing"
	$(PYTHON) -m pytest $(PARALLEL) -m "environments and not timing"

coverage: setup ## the tests of `make quick`; fails if they reach fewer lines and branches than pyproject.toml says
	$(PYTHON) -m pytest $(PARALLEL) -m "$(QUICK_TESTS)" --cov

infra-check: setup ## terraform init, validate and test, also with safety properties broken on purpose
	$(PYTHON) -m pytest $(PARALLEL) tests/terraform

infra-mutations: setup ## break lines of Terraform one at a time: the checks must notice 95 % (half an hour)
	$(PYTHON) -m tests.terraform.mutations

stack-test: setup ## the whole cloud on this machine: bucket, job, schedule, services, releases, the loan book
	$(PYTHON) -m pytest tests/stack --verbose --exitfirst --durations 0 --soak

soak: setup ## the endurance and fault suites at full counts
	$(PYTHON) -m pytest -m soak --soak

##@ Benchmarks

bench: setup ## the benchmarks, beside an empty function and two services; writes docs/benchmarks.md; QUICK=1 tries it out
	$(PYTHON) tests/benchmarks/serving.py $(if $(QUICK),--quick)
	$(PYTHON) tests/benchmarks/loan_book.py $(if $(QUICK),--quick)
	$(PYTHON) tests/benchmarks/pipeline.py $(if $(QUICK),--quick)
	$(PYTHON) tests/benchmarks/batch.py $(if $(QUICK),--quick)

bench-peers: setup ## the same beside LitServe, BentoML, MLServer, MLflow (builds their environments)
	$(PYTHON) tests/benchmarks/peer_servers.py $(if $(QUICK),--quick)

bench-accuracy: setup ## every family beside what others train, on 5 x 5 folds; writes docs/accuracy.md; QUICK=1 tries it out
	$(PYTHON) tests/benchmarks/accuracy.py $(if $(QUICK),--quick) $(if $(MINUTES),--minutes $(MINUTES))

bench-training: setup ## training on ten million rows, beside the bare library; writes docs/large-data.md; QUICK=1 tries it out
	$(PYTHON) tests/benchmarks/training_scale.py $(if $(QUICK),--quick)

gate-errors: setup ## error rates of the gates, simulated and on poisoned data; writes the tables of docs/gates.md; QUICK=1 tries it out
	$(PYTHON) tests/benchmarks/gate_errors.py $(if $(QUICK),--quick)

monitoring-errors: setup ## false alarms and power of monitoring's signals, simulated; writes the tables of docs/monitoring.md; QUICK=1 tries it out
	$(PYTHON) tests/benchmarks/monitoring_errors.py $(if $(QUICK),--quick)

load: setup ## one scoring process and the loan book under load; writes the tables of docs/scale.md
	$(PYTHON) tests/benchmarks/load.py

##@ Documents

client: setup ## write the client's response types from the OpenAPI documents
	$(PYTHON) infra/local/client_types.py

openapi: setup ## write docs/openapi.json and docs/http.md
	$(PYTHON) infra/local/documents.py --only openapi

documents: setup ## write these two, docs/settings.md, .env.example and terraform/schemas
	$(PYTHON) infra/local/documents.py

alerts: setup ## check infra/monitoring/alerts.yaml and compile it for Prometheus and for Google
	$(PYTHON) infra/monitoring/alerts.py

notebook: setup ## run the notebook of docs/notebooks and keep its outputs
	.venv/bin/jupyter-execute --inplace docs/notebooks/from-file-to-score.ipynb

screenshots: setup ## the README's pictures; needs chromium, and var/store as `make run` fills it
	$(PYTHON) tests/docs/screenshots.py

charts: setup ## the charts of docs/scale.md and docs/cost.md, from docs/figures
	$(PYTHON) tests/docs/charts.py

cost: setup ## what a month costs, from docs/figures and infra/local/prices.toml; writes docs/cost.md
	$(PYTHON) infra/local/cost.py --write

sbom: setup ## what the images are made of, as CycloneDX, in var/sbom
	mkdir -p var/sbom
	.venv/bin/cyclonedx-py requirements --output-reproducible -o var/sbom/scoring.json functions/requirements.txt
	.venv/bin/cyclonedx-py requirements --output-reproducible -o var/sbom/training.json training/image.txt
	.venv/bin/cyclonedx-py requirements --output-reproducible -o var/sbom/lending.json functions/lending/requirements.txt
	.venv/bin/cyclonedx-py requirements --output-reproducible -o var/sbom/batch.json functions/batch/requirements.txt
	.venv/bin/cyclonedx-py requirements --output-reproducible -o var/sbom/dashboard.json functions/dashboard/requirements.txt

##@ Cloud

source-archive: setup ## what a function deployed from source needs, in var/scoring.zip
	$(PYTHON) infra/source_archive.py --output var/scoring.zip

plan-offline: setup ## what terraform would make in ENVIRONMENT, without a project or a login
	$(PYTHON) -m tests.terraform.plan_tables --plan $(ENVIRONMENT)

plan-tables: setup ## what Terraform plans, flags off and on, as tables in terraform/plans
	$(PYTHON) -m tests.terraform.plan_tables

terraform-lock: ## hold the provider by its hashes for Linux and macOS; asks registry.terraform.io
	sh infra/terraform_lock.sh

bootstrap: ## prepare the Google Cloud project of ENVIRONMENT (default prod): the first of two commands
	sh infra/bootstrap.sh $(ENVIRONMENT)

plan: ## what terraform would change in ENVIRONMENT (default prod)
	sh infra/plan.sh $(ENVIRONMENT)

release: ## check, build, apply and release this commit in ENVIRONMENT with a canary, in Cloud Build: the second
	sh infra/submit.sh $(ENVIRONMENT)

promote: ## release in ENVIRONMENT what FROM serves, by digest, without building it again
	sh infra/promote.sh $(ENVIRONMENT) $(FROM)

serving: ## the commit and the images that ENVIRONMENT has released
	@sh infra/serving.sh $(ENVIRONMENT)

rollback: ## give all traffic of ENVIRONMENT to the revision that served before the last release
	sh infra/rollback.sh $(ENVIRONMENT) $(SERVICE)

runbook: ## docs/operate.md with the names of ENVIRONMENT, to paste its commands as they are
	@sh infra/runbook.sh $(ENVIRONMENT)

restore-drill: setup ## try the daily copies of ENVIRONMENT here: they must verify and score; each step's time is printed
	sh infra/restore_drill.sh $(ENVIRONMENT)
