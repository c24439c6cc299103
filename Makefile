.PHONY: demo test ui lint browser setup benchmark

ifeq ($(OS),Windows_NT)
PYTHON := .venv/Scripts/python.exe
else
PYTHON := .venv/bin/python
endif

demo: setup
	$(PYTHON) -m benchmarks.demo

test: setup browser lint
	$(PYTHON) -m pytest tests

ui: setup
	$(PYTHON) -m tools.server

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m tools.check_types

browser: setup
	$(PYTHON) -m tools.browser

benchmark: setup
	$(PYTHON) -m benchmarks.inpainting

setup: .venv/ready

.venv/ready: tools/setup.py requirements-dev.txt requirements.txt
	python3 tools/setup.py
	touch .venv/ready
