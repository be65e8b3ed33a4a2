# One word per wish. Each target first installs what it needs into .venv.
PYTHON := .venv/bin/python
export PORT DATA_DIR SEED FIGURES BASE

.PHONY: run test check bench faults his-demo up down up-local down-local install-run install-dev install-java

run: install-run
	@exec $(PYTHON) -m deploy.local run

test: install-dev install-java
	@exec $(PYTHON) -m pytest

check: install-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest -q tests/house

bench: install-dev install-java
	@exec $(PYTHON) -m bench $(FIGURES)

faults: install-dev install-java
	@FAULTS=long exec $(PYTHON) -m pytest tests/faults --timeout 0

his-demo: install-run
	@exec $(PYTHON) -m deploy.his

up:
	@deploy/compose/compose up -d --build

down:
	@deploy/compose/compose down

up-local: install-run install-java
	@exec $(PYTHON) -m deploy.local up

down-local: install-run
	@exec $(PYTHON) -m deploy.local down

install-run:
	@deploy/local/install.sh run

install-dev:
	@deploy/local/install.sh dev

install-java:
	@deploy/kafka/install.sh
