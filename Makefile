# What a person does with the project. Every target sets up what it needs; bare `make` prints this
# list.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:

# The first Python of 3.11 or later among these makes .venv; PYTHON=/path/to/python says another.
PYTHONS := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)
PY := .venv/bin/python

# A stamp carries its lock's checksum: a changed lock sets up again, an unchanged one starts at
# once.
lock_sum = $(shell cksum < requirements/$(1).txt | tr ' ' '-')
LOCAL_READY := .venv/.ready-local-$(call lock_sum,local)
DEV_READY := .venv/.ready-dev-$(call lock_sum,dev)
# Tools whose pins would hold back ours have an environment of their own each: they run as
# processes.
EMULATORS_READY := .venv/.emulators/.ready-$(call lock_sum,emulators)
CHECKOV := .venv/.checkov/bin/checkov
CHECKOV_READY := .venv/.checkov/.ready-$(call lock_sum,checkov)
AUDIT_READY := .venv/.audit/.ready-$(call lock_sum,audit)
LOCK_READY := .venv/.lock/.ready-$(call lock_sum,lock)

# What `make TARGET NAME=value` may say: another name would change nothing, and nobody would notice.
# The last lines are settings of the functions (shared/core/settings.py).
# tests/unit/house/test_make_variables.py knows when a name is missing here.
VARIABLES := A ADVISORIES ALL ALONE ARCHIVE ARCHIVE_SHA256 ARGS AT ATTRIBUTES AUTO_APPROVE B BIGQUERY_EMULATOR_HOST \
  BREAK CHECKOV CHROMIUM CI CONTRACT_TABLE DATE \
  DELIVER_TWICE EMULATORS_PYTHON ENV FILES FIRESTORE_EMULATOR_HOST FIRST_SEED FORCE FROM GOOGLE_CLOUD_PROJECT HISTORY_SEASONS \
  ID INPUTS JOURNAL LEARN LIST LOCAL_DIR MESSAGE MINUTES MOST NAME NBA_ARCHIVE PORT PUBSUB_EMULATOR_HOST PY PYTHON READERS REASON RECORD \
  RUNS RUNTIME SEED SEEDS SHUFFLE_SEED STATE_BUCKET STATS STAY STORAGE_EMULATOR_HOST SUBSCRIPTION TERRAFORM TO TOPIC UNITS UPGRADE \
  VERBOSE WHO WHY WORKERS \
  ALERT_CA_FILE ALERT_CHANNELS ALERT_WEBHOOK ASSUMED_PRICE BEST_BETS_PER_PLAYER BIGQUERY_LOCATION DASHBOARD_AUDIENCES DASHBOARD_IAP_AUDIENCE \
  DASHBOARD_OPERATORS DASHBOARD_READERS DASHBOARD_URL DATASET_PREFIX EMAIL_FROM EMAIL_TO \
  ESPN_BASE_URL EXPORTS_BUCKET FIRESTORE_DATABASE \
  FUNCTION_TIMEOUT_SECONDS HTTP_ATTEMPTS HTTP_BACKOFF_SECONDS HTTP_MAX_BYTES HTTP_REQUESTS_PER_SECOND \
  HTTP_TIMEOUT_SECONDS MAX_BYTES_BILLED MAX_UNITS MIN_CONFIDENCE MIN_COVERAGE MIN_EXPECTED_VALUE MIN_MINUTES MIN_QUALITY \
  MODELS_BUCKET NAME_PREFIX NBA_BASE_URL ODDS_API_KEY ODDS_BASE_URL ODDS_STATS OFFICIAL_REPORTS_BASE_URL PROJECT_ID PROXY_URL QUIET_HOURS RAW_BUCKET \
  SLACK_WEBHOOK SMTP_HOST SMTP_PASSWORD SMTP_PORT SMTP_USER STATE_EPOCH WEBHOOK_KEY \
  WITHHOLD_PICKS_WITHOUT_INJURIES ZONES_BASE_URL
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
UNKNOWN := $(filter-out $(VARIABLES),$(GIVEN))
ifneq ($(UNKNOWN),)
$(error $(shell awk -f local/cli/nearest.awk $(foreach name,$(UNKNOWN),'$(subst ','"'"',$(name))') -- $(VARIABLES)))
endif

# Settings given as `make run DATE=...` reach the program through the environment, which make
# exports by itself. What an operator writes is taken as it stands: no quote and no dollar sign in
# it means anything to make or to the shell.
define as_it_stands
ifneq ($$(origin $(1)),undefined)
override $(1) := $$(value $(1))
export $(1)
endif
endef
$(foreach name,AT ATTRIBUTES FROM ID MESSAGE MINUTES NAME REASON SUBSCRIPTION TO TOPIC WHO WHY,$(eval $(call as_it_stands,$(name))))

.PHONY: help
help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: $(LOCAL_READY)  ## play a day: simulated league, or ARCHIVE=dir DATE=2025-11-14 (HISTORY_SEASONS=3 LOCAL_DIR=.local)
	@$(PY) -m local.cli.run

.PHONY: serve
serve: $(LOCAL_READY)  ## keep the runtime and its functions up on one port until interrupted (PORT=8787)
	@$(PY) -m local.cli.serve

# What operators do, ./nba does: these are short for its commands, and ask nobody, as scripts use
# them. Values reach the shell through the environment, which reads nothing in them. make itself
# ends with 2 where ./nba ended with 1 or 2; its last line says which.
NBA := ./nba
SIGNED := --yes "--why=$$WHY"

.PHONY: publish
publish: $(LOCAL_READY)  ## ./nba publish: TOPIC=nba-phase6-export-trigger MESSAGE='{"game_date": "2025-11-14"}' (AT=2025-11-14T17:45)
	@$(NBA) publish --yes "--why=$${WHY:-make publish}" $${AT:+"--at=$$AT"} $${ATTRIBUTES:+"--attributes=$$ATTRIBUTES"} $(ARGS) \
	  -- "$$TOPIC" "$$MESSAGE"

.PHONY: sweep
sweep: $(LOCAL_READY)  ## ./nba sweep: recover now what stalled, was not sent or was left over (AT=2025-11-14T18:10)
	@$(NBA) sweep --yes "--why=$${WHY:-make sweep}" $${AT:+"--at=$$AT"} $(ARGS)

.PHONY: dlq
dlq: $(LOCAL_READY)  ## ./nba dlq: list the dead letters (REASON=... SUBSCRIPTION=...); takes none away
	@$(NBA) dlq $${REASON:+"--reason=$$REASON"} $${SUBSCRIPTION:+"--subscription=$$SUBSCRIPTION"} $(ARGS)

.PHONY: redrive
redrive: $(LOCAL_READY)  ## ./nba redrive: publish dead letters once more: ID=... or REASON=... or ALL=1, and WHY="..."
	@set -f; IFS=', '; $(NBA) redrive $(SIGNED) $${REASON:+"--reason=$$REASON"} $${SUBSCRIPTION:+"--subscription=$$SUBSCRIPTION"} \
	  $(if $(filter 1,$(ALL)),--all) $(ARGS) -- $$ID

.PHONY: pause
pause: $(LOCAL_READY)  ## ./nba pause: defer new work, losing none; what runs finishes: WHY="..."
	@$(NBA) pause $(SIGNED) $(ARGS)

.PHONY: resume
resume: $(LOCAL_READY)  ## ./nba resume: let work through again and publish what was deferred: WHY="..."
	@$(NBA) resume $(SIGNED) $(ARGS)

.PHONY: breakers
breakers: $(LOCAL_READY)  ## ./nba breakers: list the circuit breakers that have failures, open or not
	@$(NBA) breakers $(ARGS)

.PHONY: reset-breaker
reset-breaker: $(LOCAL_READY)  ## ./nba reset-breaker: close one, publish what it deferred: NAME=processor-phase1_scrape WHY="..."
	@$(NBA) reset-breaker $(SIGNED) $(ARGS) -- $${NAME:+"$$NAME"}

.PHONY: compare
compare: $(LOCAL_READY)  ## compare two state folders, A=dir B=dir: exit 0 the same
	@$(PY) -m local.cli.compare

.PHONY: backtest
backtest: $(LOCAL_READY)  ## judge the systems on days gone by: ARCHIVE=dir FROM=2025-10-21 TO=2025-12-31 (HISTORY_SEASONS=5 LEARN=lists STATS=points,rebounds)
	@$(PY) -m local.backtest

.PHONY: bench
bench: $(LOCAL_READY)  ## measure batch loader, staging MERGE and a day's time from 2 to 15 games
	@$(PY) -m local.bench

.PHONY: house
house: $(DEV_READY)  ## the rooms of shared/ and local/: files, lines, imports between them, and what goes up or across
	@$(PY) -m tests.house.rooms

.PHONY: words
words: $(DEV_READY)  ## old words, what stands for them, and how often the names of the code still have them
	@$(PY) -m tests.house.words

.PHONY: picture
picture: $(DEV_READY)  ## make the README's picture of the pipeline again from pipeline.yaml
	@$(PY) -m tests.house.pipeline_picture

.PHONY: simulate
simulate: $(DEV_READY)  ## the whole pipeline under seeded faults: SEEDS=1000 FIRST_SEED=1, or SEED=17 VERBOSE=1 (READERS=0)
	@$(PY) -m tests.simulation

.PHONY: simulate-breaks
simulate-breaks: $(DEV_READY)  ## plant each defect in the core and search the seed that shows it (RECORD=1 keeps them, BREAK="no lease")
	@$(PY) -m tests.simulation.search

.PHONY: mutants
mutants: $(DEV_READY)  ## change the core in one place at a time, say what no test notices (FILES=shared/chain/execution/ledger.py MOST=200 SEED=1)
	@$(PY) -m tests.mutation

.PHONY: fuzz
fuzz: $(DEV_READY)  ## mutated answers of every source through the readers of phase 2: INPUTS=200000 SEED=1
	@$(PY) -m tests.fuzz

.PHONY: load
load: $(LOCAL_READY)  ## batches of 500 to UNITS=5000 units: seconds, memory, and whether they grow linearly (RUNS=1)
	@$(PY) -m local.bench.load

# Which environment: its variables are infra/terraform/ENV.tfvars, its state is ENV in STATE_BUCKET.
# TERRAFORM names another command than terraform.
ENV := prod
INFRA := $(or $(TERRAFORM),terraform) -chdir=infra/terraform

.PHONY: plan
plan: package  ## what a deployment would change: STATE_BUCKET=... (ENV=prod ARCHIVE_SHA256=the one that was tried)
	@test -n "$(STATE_BUCKET)" || { echo "Name the state's bucket: make plan STATE_BUCKET=my-project-nba-terraform" >&2; exit 2; }
	@test -f infra/terraform/$(ENV).tfvars || { echo "Copy infra/terraform/$(ENV).tfvars.example to $(ENV).tfvars" >&2; exit 2; }
	@archive=$$($(PY) -m local.cloud.archive) && \
	  $(INFRA) init -input=false -reconfigure -backend-config=bucket=$(STATE_BUCKET) -backend-config=prefix=$(ENV) && \
	  TF_VAR_archive="$$archive" $(INFRA) plan -input=false -var-file=$(ENV).tfvars -out=$(ENV).tfplan
	@$(INFRA) show -json $(ENV).tfplan | $(PY) -m local.cloud.kept_columns || { rm -f infra/terraform/$(ENV).tfplan; exit 1; }

.PHONY: apply
apply:  ## deploy exactly what the last `make plan` showed (ENV=prod)
	@test -f infra/terraform/$(ENV).tfplan || { echo "There is no plan of $(ENV): make plan" >&2; exit 2; }
	@$(INFRA) apply -input=false $(ENV).tfplan
	@rm -f infra/terraform/$(ENV).tfplan

.PHONY: migrate
migrate: $(LOCAL_READY)  ## tables and models of the release before become today's, while it is paused (ENV=prod)
	@$(PY) -m local.cloud.migrate

.PHONY: contract
contract: $(DEV_READY)  ## the ports' contracts on a throwaway project of Google Cloud: PROJECT_ID=... NAME_PREFIX=ct-
	@$(PY) -m local.cloud.contract

.PHONY: smoke
smoke: package $(LOCAL_READY)  ## after an apply: a past date, its rows and file, an empty plan: STATE_BUCKET=... (ENV=prod DATE=2024-11-15)
	@$(PY) -m local.cloud.smoke

.PHONY: destroy
destroy: | .venv/bin/pip  ## take an environment away, never prod: ENV=dev STATE_BUCKET=... (AUTO_APPROVE=1)
	@$(PY) -m local.cloud.destroy

.PHONY: backfill
backfill: $(LOCAL_READY)  ## ./nba backfill --follow: past days, phases 1-4, month by month: FROM=2024-10-22 TO=2025-06-22 (FORCE=1 MINUTES=120)
	@$(NBA) backfill --follow --yes "--why=$${WHY:-make backfill}" $${MINUTES:+"--minutes=$$MINUTES"} \
	  $(if $(filter 1,$(FORCE)),--fetch-again) $(ARGS) -- "$$FROM" "$$TO"

.PHONY: infra-check
infra-check: $(DEV_READY) $(CHECKOV_READY)  ## Terraform: form, wiring against pipeline.yaml, planted mistakes, checkov
	@CHECKOV=$(CHECKOV) ALONE=1 $(PY) -m pytest tests/infra

.PHONY: checkov
checkov: $(CHECKOV_READY)

.PHONY: package
package: | .venv/bin/pip  ## build/functions.zip, what is deployed: the same tree gives the same bytes
	@$(PY) -m local.package

.PHONY: package-report
package-report: $(LOCAL_READY)  ## the archive's size, and what a cold start of each entry point costs
	@$(PY) -m local.package.report

.PHONY: local-environment
local-environment: $(LOCAL_READY)

.PHONY: emulators
emulators: $(EMULATORS_READY)

.PHONY: emulators-test
emulators-test: $(DEV_READY) $(EMULATORS_READY)  ## the ports' contracts on Google's emulators, fake-gcs-server and bqemulator
	@CONTRACT_TABLE=1 $(PY) -m pytest $(or $(ARGS),tests/contract)

# Both workers and hundreds of commands that tests start import the same modules: they are compiled
# once, also where the shell would rather keep no compiled ones.
COMPILED := PYTHONDONTWRITEBYTECODE=

.PHONY: test
test: $(DEV_READY)  ## the tests, in minutes (ARGS='tests/unit -k clock' for some)
	@$(COMPILED) $(PY) -m pytest $(or $(ARGS),-n 2 --dist loadfile -m "not heavy")

.PHONY: test-all
test-all: $(DEV_READY) $(EMULATORS_READY) $(CHECKOV_READY)  ## the heavy rest: emulators, clean environments, many seeds, Terraform, checkov
	@CHECKOV=$(CHECKOV) $(COMPILED) $(PY) -m pytest -n 2 --dist loadfile -m heavy

.PHONY: check
check: $(DEV_READY)  ## format, lint, width of prose and types; changes nothing
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m tests.house.prose_width
	@$(PY) -m mypy

.PHONY: format
format: $(DEV_READY)  ## format the code and sort its imports
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

.PHONY: clean-local
clean-local: $(LOCAL_READY)  ## forget the local state (LOCAL_DIR, default .local)
	@$(PY) -m local.cli.clean

.PHONY: lock
lock: $(LOCK_READY)  ## make requirements/*.txt again from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(PY) -m local.package.lock .venv/.lock/bin/uv

.PHONY: audit
audit: $(AUDIT_READY)  ## known weaknesses of the locked packages; exit 3: not all could be looked up (ADVISORIES=osv)
	@$(PY) -m local.package.audit .venv/.audit/bin/pip-audit

.venv/bin/pip:
	@for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Setting up .venv with $$python"; exec "$$python" -m venv --clear .venv; \
	  fi; \
	done; \
	echo "No Python 3.11 or later with venv among: $(PYTHONS). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

# A lock is complete, so nothing is resolved here: what an index holds besides changes nothing; `pip
# check` confirms it. Not compiled: Python compiles what it imports, which is a part of what is
# installed.
# $(1): the environment's python, $(2): the lock's name.
define install
@$(1) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: --no-compile \
  -r requirements/$(2).txt
@$(1) -m pip check --disable-pip-version-check >/dev/null || $(1) -m pip check --disable-pip-version-check
endef

# What dev holds includes what local holds, so either stamp of dev serves both.
$(LOCAL_READY): | .venv/bin/pip
	@echo "Installing the packages of requirements/local.txt (once)"
	$(call install,$(PY),local)
	@touch $@

$(DEV_READY): | .venv/bin/pip
	@echo "Installing the packages of requirements/dev.txt (once)"
	$(call install,$(PY),dev)
	@touch $@ $(LOCAL_READY)

$(AUDIT_READY) $(EMULATORS_READY) $(CHECKOV_READY) $(LOCK_READY): .venv/.%: | .venv/bin/pip
	@echo "Installing the packages of requirements/$(*D).txt (once)"
	@$(PY) -m venv --clear .venv/.$(*D)
	$(call install,.venv/.$(*D)/bin/python,$(*D))
	@touch $@
