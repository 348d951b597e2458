# make lab: set everything up, then the main job. make test: every test, real machines included. 'make help' lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
comma := ,
LAB := $(VENV)/bin/lab
KEPT := $(if $(LAB_STATE_DIR)$(LAB_DEBIAN_MIRROR), --preserve-env=LAB_STATE_DIR$(comma)LAB_DEBIAN_MIRROR)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo$(KEPT))
PREFIX ?= /usr/local
# A folder for JUnit XML, one file for each call of pytest.
REPORTS ?=
junit = $(if $(REPORTS),--junit-xml=$(REPORTS)/$(1).xml)
NODES ?= 3

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: setup
setup: $(VENV)/.done ## Debian's packages, the Python environment, a Go toolchain if there is none
$(VENV)/.done: pyproject.toml requirements/runtime.lock requirements/dev.lock requirements/go.lock scripts/bootstrap.sh
	scripts/bootstrap.sh $(VENV)

.PHONY: lab
lab: setup ## the main job: up, deploy ch3, break a machine and prove the recovery
	$(SUDO) $(LAB) up --nodes $(NODES)
	$(SUDO) $(LAB) deploy ch3
	$(SUDO) $(LAB) break core-02 --verify
	@echo
	@echo "That was a real cluster, and it healed. It is still up. Next:"
	@echo "  $(SUDO) $(LAB) status                  # who runs what"
	@echo "  $(SUDO) $(LAB) show ch3                # the chapter's page: what to try, and why it heals"
	@echo "  $(SUDO) $(LAB) break unit:helloworld-nginx.service --verify   # now the machine of the proxy"
	@echo "  $(SUDO) $(LAB) destroy                 # remove it without a trace"

.PHONY: test
test: lint test-unit test-e2e ## every test, real machines included

.PHONY: lint
lint: setup ## ruff, mypy, gofmt and go vet
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: test-unit
test-unit: setup ## tests that run anywhere in seconds
	$(VENV)/bin/python -m pytest tests/unit -q $(call junit,unit)
	scripts/test-go.sh $(VENV)
	node --test labs/shared/webstack/test/

.PHONY: test-e2e
test-e2e: setup image ## tests that boot real machines
	scripts/bootstrap-browser.sh
	$(SUDO) $(VENV)/bin/python -m pytest tests/e2e -v -m "whole_host and not rounds" $(call junit,whole-host)
	$(SUDO) $(VENV)/bin/python -m pytest tests/e2e -v -m "not whole_host and not rounds" --durations=20 \
		--numprocesses=2 --dist=loadfile --no-loadscope-reorder $(call junit,e2e)

.PHONY: test-rounds
test-rounds: setup image ## more rounds: other moments of interrupting, other ways to go on
	$(SUDO) $(VENV)/bin/python -m pytest tests/e2e -v -m rounds $(call junit,rounds)

.PHONY: test-vagrant
test-vagrant: setup image ## the tests on virtual machines of libvirt; emulated in software they take many minutes
	scripts/bootstrap-libvirt.sh
	$(SUDO) scripts/libvirt.py start
	$(SUDO) $(VENV)/bin/python -m pytest tests/vagrant -v $(call junit,vagrant); code=$$?; $(SUDO) scripts/libvirt.py stop; exit $$code

.PHONY: test-systemd
test-systemd: setup image ## the path on a host whose PID 1 is systemd, which is made here where this one is none
	$(SUDO) $(VENV)/bin/python -m pytest tests/systemd -v $(call junit,systemd)

.PHONY: userland
userland: setup ## build Container Linux's programs from their Go modules
	$(SUDO) $(VENV)/bin/python -m coreos_lab.machine_image.build userland

.PHONY: image
image: setup ## build the machine image
	$(SUDO) $(VENV)/bin/python -m coreos_lab.machine_image.build image

.PHONY: bench
bench: setup ## medians of what takes time, as a table and as bench.json
	$(SUDO) $(VENV)/bin/python scripts/bench.py --json bench.json

.PHONY: bench-vagrant
bench-vagrant: setup image ## lab up beside plain vagrant up, on libvirt
	scripts/bootstrap-libvirt.sh
	$(SUDO) scripts/libvirt.py start
	$(SUDO) $(VENV)/bin/python scripts/bench_vagrant.py; code=$$?; $(SUDO) scripts/libvirt.py stop; exit $$code

.PHONY: install
install: setup ## put lab on the PATH, for all users (PREFIX=/usr/local)
	$(VENV)/bin/python -m build --wheel --no-isolation --outdir dist . >/dev/null
	$(SUDO) scripts/install.sh $(VENV) $(PREFIX) dist

.PHONY: lock
lock: setup ## write the lock files anew
	scripts/lock.sh $(VENV)

.PHONY: clean
clean: ## remove what the build left here; clusters stay
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache bench.json
