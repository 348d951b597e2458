# make lab: set everything up and run the demonstration. make test: every test, real machines included. make help: all targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
comma := ,
LAB := $(VENV)/bin/lab
KEPT := $(if $(LAB_STATE_DIR)$(LAB_DEBIAN_MIRROR)$(LAB_NAME), --preserve-env=LAB_STATE_DIR$(comma)LAB_DEBIAN_MIRROR$(comma)LAB_NAME)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo$(KEPT))
# The command as the user types it afterwards, and its option for the cluster.
TYPED := $(if $(SUDO),sudo )$(if $(LAB_STATE_DIR),LAB_STATE_DIR='$(LAB_STATE_DIR)' )$(LAB)
NAMED := $(if $(LAB_NAME), --name $(LAB_NAME))
PREFIX ?= /usr/local
# make soak: the number of rounds, and the seed of its random numbers.
ROUNDS ?= 20
SEED ?= 1
# make coverage: the tests on real machines to measure.
COVERED ?= tests/e2e
# make test-e2e, make test-walks: how many clusters are tested at a time.
CLUSTERS ?= 3
# A folder for JUnit XML, one file per pytest run.
REPORTS ?=
junit = $(if $(REPORTS),--junit-xml=$(REPORTS)/$(1).xml)
NODES ?= 3
# make bench-compare: the revision to compare with.
BASE ?= HEAD

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[A-Za-z0-9_.-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.done ## install Debian packages, the Python environment, and a Go toolchain if there is none
$(VENV)/.done: pyproject.toml requirements/runtime.lock requirements/dev.lock requirements/cloud.lock requirements/console.lock requirements/go.lock scripts/bootstrap.sh \
		scripts/build-console.sh pages/console/package-lock.json $(wildcard pages/console/page/*)
	scripts/bootstrap.sh $(VENV)

.PHONY: lab
lab: setup ## start a cluster, deploy ch3, break a machine and prove the recovery
	$(SUDO) $(LAB) up --nodes $(NODES)
	$(SUDO) $(LAB) deploy ch3
	$(SUDO) $(LAB) break core-02 --verify; code=$$?; case $$code in \
		0|1|3) $(SUDO) $(LAB) report --output report.html || exit ;; esac; exit $$code
	@echo
	@echo "That was a real cluster, and it recovered. It is still up. Its report is report.html: open it in a browser. Next:"
	@echo "  $(TYPED) status$(NAMED)                  # nodes and units"
	@echo "  $(TYPED) console$(NAMED)                 # the same live, in a browser"
	@echo "  $(TYPED) show ch3                # the chapter's page: what to try, and why it recovers"
	@echo "  $(TYPED) break unit:helloworld-nginx.service --verify$(NAMED)   # this time the proxy's machine"
	@echo "  $(TYPED) destroy$(NAMED)                 # remove it without a trace"

.PHONY: test
test: lint test-unit test-e2e ## every test, real machines included

# One target per check: the pre-commit hook (.pre-commit-config.yaml) calls them by name.
.PHONY: lint
lint: lint-style lint-types lint-shell lint-workflows lint-templates lint-spelling ## every static check

.PHONY: lint-style
lint-style: setup ## ruff: rules and format of Python code
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

.PHONY: lint-types
lint-types: setup ## mypy --strict
	$(VENV)/bin/mypy

.PHONY: lint-shell
lint-shell: setup ## shellcheck for every shell program, including those of labs and machines
	scripts/shell-programs.sh | xargs $(VENV)/bin/shellcheck

.PHONY: lint-workflows
lint-workflows: setup $(VENV)/bin/actionlint ## actionlint for .github/workflows
	$(VENV)/bin/actionlint -shellcheck $(VENV)/bin/shellcheck -pyflakes= .github/workflows/*.yml

# W3697: launch configurations are no longer to be used for what is new. They are the book's.
.PHONY: lint-templates
lint-templates: setup ## cfn-lint for templates of CloudFormation
	$(VENV)/bin/cfn-lint --ignore-checks W3697 W2010 -- labs/ch[89]/cluster.yml labs/ch10/*.yml tests/e2e/cloud*.yml

.PHONY: lint-spelling
lint-spelling: setup ## codespell for code, messages and documents
	$(VENV)/bin/codespell

# Neither Python nor Debian packages it, so it is built from its pinned Go module.
$(VENV)/bin/actionlint: requirements/actionlint/go.mod requirements/actionlint/go.sum | setup
	scripts/build-actionlint.sh $(VENV)

.PHONY: hooks
hooks: setup ## install a pre-commit hook that runs this environment's tools
	$(VENV)/bin/pre-commit install

.PHONY: test-unit
test-unit: setup ## tests that run anywhere, in seconds
	LAB_TEST_WITH_GO=1 LAB_TEST_INPUTS=2000 $(VENV)/bin/python -m pytest tests/unit -q --numprocesses=2 $(call junit,unit)
	scripts/test-go.sh $(VENV)
	node --test labs/shared/webstack/test/
	node --test pages/console/test/

.PHONY: test-e2e
test-e2e: setup image ## tests that boot real machines
	scripts/bootstrap-browser.sh
	$(SUDO) $(VENV)/bin/python -m pytest tests/e2e -v -m "whole_host and not rounds" $(call junit,whole-host)
	$(SUDO) $(VENV)/bin/python -m pytest tests/e2e -v -m "not whole_host and not rounds" --durations=20 \
		--numprocesses=$(CLUSTERS) --dist=loadfile --no-loadscope-reorder $(call junit,e2e)

.PHONY: test-walks
test-walks: setup image ## go through the chapters' pages on real machines: each command that a reader types
	scripts/bootstrap-browser.sh
	$(SUDO) $(VENV)/bin/python -m pytest tests/walks -v -m "not long" --durations=10 --numprocesses=$(CLUSTERS) --dist=load \
		--maxschedchunk=1 --no-loadscope-reorder $(call junit,walks)

.PHONY: test-walks-all
test-walks-all: setup image ## the same with the pages for which CI has no time
	scripts/bootstrap-browser.sh
	$(SUDO) $(VENV)/bin/python -m pytest tests/walks -v --durations=10 --numprocesses=$(CLUSTERS) --dist=load \
		--maxschedchunk=1 --no-loadscope-reorder $(call junit,walks)

.PHONY: coverage
coverage: setup image ## code coverage of unit and e2e tests together, in every process (COVERED=tests/e2e)
	scripts/bootstrap-browser.sh
	$(SUDO) scripts/coverage.sh $(VENV) $(COVERED)

.PHONY: test-rounds
test-rounds: setup image ## repeat the interruption tests with other moments and other ways to continue
	$(SUDO) $(VENV)/bin/python -m pytest tests/e2e -v -m rounds $(call junit,rounds)

.PHONY: soak
soak: setup image ## random commands, kills, signals and closed pipes on two clusters at a time (ROUNDS=20 SEED=1)
	$(SUDO) $(VENV)/bin/python scripts/soak.py --rounds $(ROUNDS) --seed $(SEED)

.PHONY: test-vagrant
test-vagrant: setup image ## the tests on virtual machines of libvirt; emulated in software they take many minutes
	scripts/bootstrap-libvirt.sh
	$(SUDO) scripts/libvirt.py start
	$(SUDO) $(VENV)/bin/python -m pytest tests/vagrant -v $(call junit,vagrant); code=$$?; $(SUDO) scripts/libvirt.py stop; exit $$code

.PHONY: test-systemd
test-systemd: setup image ## the main commands on a host whose PID 1 is systemd; where this host's is not, the tests make one
	$(SUDO) $(VENV)/bin/python -m pytest tests/systemd -v $(call junit,systemd)

.PHONY: userland
userland: setup ## build Container Linux's programs from their Go modules
	$(SUDO) $(VENV)/bin/python -m coreos_lab.machine_image.build userland

.PHONY: image
image: setup ## build the machine image
	$(SUDO) $(VENV)/bin/python -m coreos_lab.machine_image.build image

.PHONY: bench
bench: setup ## measure the commands; print medians as a table, write bench.json
	$(SUDO) $(VENV)/bin/python scripts/bench.py --json bench.json

.PHONY: bench-readme
bench-readme: setup ## write README's table of times from bench.json
	$(VENV)/bin/python scripts/bench_table.py bench.json README.md

.PHONY: bench-compare
bench-compare: setup image ## measure this folder and another revision in turn; name what is slower by more than its noise (BASE=HEAD)
	$(SUDO) $(VENV)/bin/python scripts/bench_compare.py $(BASE)

.PHONY: bench-vagrant
bench-vagrant: setup image ## compare lab up with plain vagrant up, on libvirt
	scripts/bootstrap-libvirt.sh
	$(SUDO) scripts/libvirt.py start
	$(SUDO) $(VENV)/bin/python scripts/bench_vagrant.py; code=$$?; $(SUDO) scripts/libvirt.py stop; exit $$code

.PHONY: install
install: setup ## install lab for all users (PREFIX=/usr/local)
	rm -rf dist
	$(VENV)/bin/python -m build --wheel --no-isolation --outdir dist . >/dev/null
	$(SUDO) scripts/install.sh $(VENV) $(PREFIX) dist

.PHONY: lock
lock: setup ## rewrite the lock files
	scripts/lock.sh $(VENV)

.PHONY: clean
clean: ## remove build results from this folder; clusters stay
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .coverage* htmlcov bench.json
